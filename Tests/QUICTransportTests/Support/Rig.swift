import ForeignPeers
import NodeTransport
import QUICTransport
import Synchronization
import Testing
import TransportTLS

/// What the tests call.
enum RigMethods {
    static let unary = Method<Unary, Bytes, Bytes>("echo.Echo", "Unary", request: .bytes, response: .bytes)
    static let stream = Method<Bidirectional, Bytes, Bytes>("echo.Echo", "Stream", request: .bytes, response: .bytes)
    /// Answers when its task is cancelled, and not before.
    static let wait = Method<Unary, Bytes, Bytes>("echo.Echo", "Wait", request: .bytes, response: .bytes)
    /// Who the server takes its caller for.
    static let whoAmI = Method<Unary, Bytes, Bytes>("echo.Echo", "WhoAmI", request: .bytes, response: .bytes)
}

struct RigService: Service {
    var handlers: [MethodHandler] {
        [
            RigMethods.unary.handle { request, _ in request },
            RigMethods.stream.handle { requests, responses, _ in
                while let request = try await requests.next() { try await responses.send(request) }
            },
            RigMethods.wait.handle { request, _ in
                let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
                for await _ in stream {}
                withExtendedLifetime(continuation) {}
                throw CancellationError()
            },
            RigMethods.whoAmI.handle { _, context in Bytes(utf8: context.peer?.fingerprint.description ?? "nobody") },
        ]
    }
}

/// A listener that serves ``RigService``, and what it heard.
struct Rig: Sendable {
    let server: QUICTransport
    let listener: any Listener
    let events: EventLog

    var port: Int { listener.endpoint.port ?? 0 }

    static func run(
        _ tls: TLSConfiguration = TestIdentities.shared.mutual,
        configure: (inout QUICTransport.Configuration) -> Void = { _ in }, _ body: (Rig) async throws -> Void
    ) async throws {
        let events = EventLog()
        var configuration = QUICTransport.Configuration()
        configuration.onEvent = { events.note($0) }
        configure(&configuration)
        let server = try QUICTransport(tls: tls, configuration: configuration)
        let listener = try await server.listen(on: "quic://127.0.0.1:0", services: [RigService()])
        let outcome = await Result { try await body(Rig(server: server, listener: listener, events: events)) }
        await server.shutdown(within: .zero)
        try outcome.get()
    }

    /// Connects a client of its own, runs `body`, and closes it.
    func withClient<Answer>(
        _ tls: TLSConfiguration = TestIdentities.shared.mutual, host: String = "127.0.0.1",
        configure: (inout QUICTransport.Configuration) -> Void = { _ in },
        _ body: (any Connection) async throws -> Answer
    ) async throws -> Answer {
        var configuration = QUICTransport.Configuration()
        configure(&configuration)
        let client = try QUICTransport(tls: tls, configuration: configuration)
        let outcome = await Result { try await body(try await client.connect(to: "quic://\(host):\(port)")) }
        await client.shutdown(within: .zero)
        return try outcome.get()
    }

    /// What connecting fails with.
    func refusal(of tls: TLSConfiguration, host: String = "127.0.0.1") async throws -> TransportError {
        do {
            try await withClient(tls, host: host) { _ in }
        } catch {
            return try #require(error as? TransportError, "\(error)")
        }
        throw Unexpected(description: "the connection was made")
    }

    func expectServed(_ tls: TLSConfiguration = TestIdentities.shared.mutual) async throws {
        let answer = try await withClient(tls) { try await $0.call(RigMethods.unary, Bytes(utf8: "good")) }
        #expect(answer == Bytes(utf8: "good"))
    }
}

struct Unexpected: Error, CustomStringConvertible {
    let description: String
}

extension TestIdentities {
    var mutual: TLSConfiguration { TLSConfiguration(identity: node, trust: trust) }

    func issue(
        by authority: DevelopmentCA? = nil, name: String = "odd", addresses: [String] = ["127.0.0.1", "::1"],
        days: (from: Int, to: Int) = (-1, 1), isCA: Bool = false, usages: [ExtendedKeyUsage]? = nil
    ) throws -> Identity {
        let now = WallTime.now
        let issued = try (authority ?? ca).issue(
            name: name, ipAddresses: addresses, notBefore: now.adding(days: days.from),
            notAfter: now.adding(days: days.to), isCA: isCA, extendedKeyUsages: usages)
        let inside = WallTime(secondsSince1970: now.adding(days: days.from).secondsSince1970 + 3600)
        return try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM, now: inside)
    }
}

extension Result where Failure == any Error {
    init(catching body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
