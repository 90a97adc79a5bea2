import GRPCTransport
import NodeTransport
import QUICTransport
import Synchronization
import Testing
import TransportResilience
import TransportTLS

/// What one peer may ask for, over mutual TLS on real sockets: the refusal says by name which limit was hit, on the wire
/// and in the event.
@Suite(.timeLimit(.minutes(2))) struct LimitsByPeerTests {
    enum Wire: String, CaseIterable {
        case grpc, quic

        func transport(_ tls: TLSConfiguration) throws -> any Transport {
            switch self {
            case .grpc: try GRPCTransport(security: .tls(tls))
            case .quic: try QUICTransport(tls: tls)
            }
        }
    }

    /// So slow that none comes back during a test.
    private static func rate(_ burst: Int) -> CallRate { CallRate(perSecond: 0.001, burst: burst) }

    @Test(arguments: Wire.allCases)
    func aRateIsEachIdentitysOwn(_ wire: Wire) async throws {
        try await Server.run(wire, ServerLimits(perIdentity: AdmissionLimit(rate: Self.rate(2)))) { server in
            let (alice, bob) = (try await server.client("alice"), try await server.client("bob"))
            for _ in 0..<2 { _ = try await alice.call(Limited.quick, "") }
            try await server.expectRefusal(.identityRate) { _ = try await alice.call(Limited.quick, "") }
            _ = try await bob.call(Limited.quick, "")
            // Another connection is the same peer.
            let again = try await server.client("alice")
            try await server.expectRefusal(.identityRate) { _ = try await again.call(Limited.quick, "") }
            try await server.expectRefusal(.identityRate) {
                _ = try await again.call(Limited.stream, "").next()
            }
            _ = try await bob.call(Limited.quick, "")
        }
    }

    @Test(arguments: Wire.allCases)
    func soAreTheCallsAtOnce(_ wire: Wire) async throws {
        try await Server.run(wire, ServerLimits(perIdentity: AdmissionLimit(maximumCalls: 1))) { server in
            let (alice, bob) = (try await server.client("alice"), try await server.client("bob"))
            let held = Task { try await alice.call(Limited.stay, "") }
            await server.handlerBegan()
            try await server.expectRefusal(.identityCalls) { _ = try await alice.call(Limited.quick, "") }
            _ = try await bob.call(Limited.quick, "")
            server.letGo()
            _ = try await held.value
            _ = try await alice.call(Limited.quick, "")
        }
    }

    /// A renewed certificate for another key, of the same name.
    @Test(arguments: Wire.allCases, [IdentityKey.publicKey, .name])
    func anIdentityIsAKeyOrAName(_ wire: Wire, _ key: IdentityKey) async throws {
        let limits = ServerLimits(perIdentity: AdmissionLimit(rate: Self.rate(1)), identityKey: key)
        try await Server.run(wire, limits) { server in
            let old = try await server.client("alice")
            _ = try await old.call(Limited.quick, "")
            try await server.expectRefusal(.identityRate) { _ = try await old.call(Limited.quick, "") }
            let new = try await server.client("alice", renewed: true)
            switch key {
            case .publicKey: _ = try await new.call(Limited.quick, "")
            case .name: try await server.expectRefusal(.identityRate) { _ = try await new.call(Limited.quick, "") }
            }
        }
    }

    @Test(arguments: Wire.allCases)
    func anAddressIsAllIdentitiesThere(_ wire: Wire) async throws {
        try await Server.run(wire, ServerLimits(perAddress: AdmissionLimit(rate: Self.rate(2)))) { server in
            let (alice, bob) = (try await server.client("alice"), try await server.client("bob"))
            _ = try await alice.call(Limited.quick, "")
            _ = try await bob.call(Limited.quick, "")
            try await server.expectRefusal(.addressRate) { _ = try await alice.call(Limited.quick, "") }
            try await server.expectRefusal(.addressRate) { _ = try await bob.call(Limited.quick, "") }
            let elsewhere = try await server.client("alice", at: "[::1]")
            _ = try await elsewhere.call(Limited.quick, "")
        }
    }

    @Test(arguments: Wire.allCases)
    func theTotalIsAllAddresses(_ wire: Wire) async throws {
        let limits = ServerLimits(total: AdmissionLimit(rate: Self.rate(3), maximumCalls: 1))
        try await Server.run(wire, limits) { server in
            let (alice, bob) = (try await server.client("alice"), try await server.client("bob", at: "[::1]"))
            let held = Task { try await alice.call(Limited.stay, "") }
            await server.handlerBegan()
            try await server.expectRefusal(.totalCalls) { _ = try await bob.call(Limited.quick, "") }
            server.letGo()
            _ = try await held.value
            // What is refused has cost nothing of the rate.
            for client in [alice, bob] { _ = try await client.call(Limited.quick, "") }
            try await server.expectRefusal(.totalRate) { _ = try await alice.call(Limited.quick, "") }
            try await server.expectRefusal(.totalRate) { _ = try await bob.call(Limited.quick, "") }
        }
    }
}

private struct Limited: Service {
    static let quick = Method<Unary, String, String>("limited.Limited", "Quick", request: .utf8, response: .utf8)
    static let stay = Method<Unary, String, String>("limited.Limited", "Stay", request: .utf8, response: .utf8)
    static let stream = Method<ServerStream, String, String>(
        "limited.Limited", "Stream", request: .utf8, response: .utf8)

    /// Of a call that stays.
    let begin: AsyncStream<Void>.Continuation
    /// Until when it stays.
    let mayEnd: AsyncStream<Void>

    var handlers: [MethodHandler] {
        [
            Self.quick.handle { request, _ in request },
            Self.stay.handle { request, _ in
                begin.yield()
                for await _ in mayEnd { break }
                return request
            },
            Self.stream.handle { request, responses, _ in try await responses.send(request) },
        ]
    }
}

/// A server with limits, that listens by IPv4 and IPv6, and its clients.
private final class Server: Sendable {
    private let wire: LimitsByPeerTests.Wire
    private let ca: DevelopmentCA
    private let identities: [String: TLSConfiguration]
    private let listeners = Mutex<[String: any Listener]>([:])
    private let clients = Mutex<[any Transport]>([])
    private let events = Mutex<[ResilienceEvent]>([])
    private let (begins, begin) = AsyncStream.makeStream(of: Void.self)
    private let (mayEnd, end) = AsyncStream.makeStream(of: Void.self)

    private init(_ wire: LimitsByPeerTests.Wire) throws {
        self.wire = wire
        let ca = try DevelopmentCA.create(commonName: "Test CA")
        self.ca = ca
        identities = try Dictionary(
            uniqueKeysWithValues: ["server", "alice", "bob"].map { ($0, try Self.issue($0, ca)) })
    }

    private static func issue(_ name: String, _ ca: DevelopmentCA) throws -> TLSConfiguration {
        let issued = try ca.issue(name: name, dnsNames: ["\(name).test"], ipAddresses: ["127.0.0.1", "::1"])
        return TLSConfiguration(
            identity: try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM),
            trust: try Trust.roots(pem: ca.certificatePEM))
    }

    static func run(
        _ wire: LimitsByPeerTests.Wire, _ limits: ServerLimits, _ body: (Server) async throws -> Void
    ) async throws {
        let server = try Server(wire)
        let tls = try #require(server.identities["server"])
        let transport = try wire.transport(tls).limited(limits) { event in server.events.withLock { $0.append(event) } }
        var failure: (any Error)?
        do {
            for host in ["127.0.0.1", "[::1]"] {
                let listener = try await transport.listen(
                    on: "\(wire.rawValue)://\(host):0", services: [Limited(begin: server.begin, mayEnd: server.mayEnd)])
                server.listeners.withLock { $0[host] = listener }
            }
            try await body(server)
        } catch {
            failure = error
        }
        for client in server.clients.withLock({ $0 }) { await client.shutdown(within: .zero) }
        await transport.shutdown(within: .zero)
        if let failure { throw failure }
    }

    /// A connection of its own.
    func client(_ name: String, renewed: Bool = false, at host: String = "127.0.0.1") async throws -> any Connection {
        let tls = renewed ? try Self.issue(name, ca) : try #require(identities[name])
        let transport = try wire.transport(tls)
        clients.withLock { $0.append(transport) }
        let listener = try #require(listeners.withLock { $0[host] })
        return try await transport.connect(to: listener.endpoint)
    }

    func handlerBegan() async { for await _ in begins { return } }

    /// Lets a call that stays end.
    func letGo() { end.yield() }

    /// `body`'s call is refused because of `limit`: the client reads that, and when to come back, and the server is told.
    func expectRefusal(_ limit: ServerLimit, _ body: () async throws -> Void) async throws {
        let before = events.withLock { $0.count }
        let error = await #expect(throws: TransportError.self) { try await body() }
        #expect(error?.code == .resourceExhausted && error?.origin == .remote)
        #expect(error.flatMap(ServerLimit.init(namedIn:)) == limit)
        #expect(error?.message.hasPrefix("\(limit.rawValue): ") == true)
        #expect(error?.metadata[text: "grpc-retry-pushback-ms"].flatMap { Int($0) } ?? 0 > 0)
        let told = events.withLock { Array($0.dropFirst(before)) }
        let event = try #require(told.first)
        #expect(told.count == 1 && event.kind == .refusedByLimit && event.limit == limit.rawValue)
        #expect(event.method?.service == "limited.Limited")
        #expect(event.endpoint?.scheme.rawValue == wire.rawValue)
    }
}
