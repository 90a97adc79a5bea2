import ForeignPeers
import GRPCTransport
import NodeTransport
import QUICTransport
import Synchronization
import Testing
import TransportResilience
import TransportTLS

/// QUIC and gRPC race on real sockets.
@Suite(.timeLimit(.minutes(2)))
struct RealWireTests {
    /// Counts what is asked of a wire.
    private final class Counted: Transport {
        private let wire: any Transport
        private let count = Mutex(0)
        private let hole = Mutex<DeafUDPSocket?>(nil)

        init(_ wire: any Transport) { self.wire = wire }

        var attempts: Int { count.withLock { $0 } }

        /// From now on connections are made when something has come to `hole`, and not otherwise.
        func wait(for hole: DeafUDPSocket) { self.hole.withLock { $0 = hole } }

        func connect(to endpoint: Endpoint) async throws -> any Connection {
            count.withLock { $0 += 1 }
            if let hole = hole.withLock({ $0 }), await !hole.waitForPacket() {
                throw TransportError(.unavailable, "nothing has come to the hole")
            }
            return try await wire.connect(to: endpoint)
        }
        func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
            try await wire.listen(on: endpoint, serving: table)
        }
        func shutdown(within grace: Duration) async { await wire.shutdown(within: grace) }
    }

    private static let authority = Result { try DevelopmentCA.create() }
    private static let stranger = Result { try DevelopmentCA.create() }

    private static func tls(_ issuer: Result<DevelopmentCA, any Error>, _ name: String) throws -> TLSConfiguration {
        let issued = try issuer.get().issue(name: name, ipAddresses: ["127.0.0.1"])
        return TLSConfiguration(
            identity: try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM),
            trust: try Trust.roots(pem: authority.get().certificatePEM))
    }

    private struct Wires {
        let quic: Counted
        let grpc: Counted

        init(_ tls: TLSConfiguration, quicTLS: TLSConfiguration? = nil) throws {
            var configuration = QUICTransport.Configuration()
            // An attempt that its cancellation does not end outlives the test's time limit.
            configuration.handshakeTimeout = .seconds(600)
            quic = Counted(try QUICTransport(tls: quicTLS ?? tls, configuration: configuration))
            grpc = Counted(try GRPCTransport(security: .tls(tls)))
        }
    }

    /// One that is free for both wires, and that nobody else's sockets get.
    private static func endpoint(_ scheme: Endpoint.Scheme) throws -> Endpoint {
        try Endpoint(parsing: "\(scheme.rawValue)://127.0.0.1:\(freePort())")
    }

    private final class Events: Sendable {
        private let list = Mutex<[ResilienceEvent.Kind]>([])
        var observer: ResilienceObserver { { event in self.list.withLock { $0.append(event.kind) } } }
        var kinds: [ResilienceEvent.Kind] { list.withLock { $0 } }
    }

    /// Connects and calls; returns by which wire, and how long connecting took.
    private func connect(_ transport: any Transport, _ endpoint: Endpoint) async throws -> (Endpoint.Scheme, Duration) {
        let start = ContinuousClock.now
        let connection = try await transport.connect(to: endpoint)
        let took = ContinuousClock.now - start
        let message = Bytes(utf8: "hello")
        #expect(try await connection.call(Echo.unary, message) == message)
        #expect(connection.peer != nil)
        await connection.close()
        return (connection.endpoint.scheme, took)
    }

    @Test func `A peer that has both is reached by QUIC`() async throws {
        let server = try Wires(Self.tls(Self.authority, "server"))
        let client = try Wires(Self.tls(Self.authority, "client"))
        let endpoint = try await server.grpc.listen(on: Self.endpoint(.grpc), services: [EchoService()]).endpoint
        _ = try await server.quic.listen(on: endpoint.withScheme(.quic), services: [EchoService()])
        // Long enough for a busy machine.
        let transport = client.quic.racing(against: client.grpc, headStart: .seconds(60))
        for scheme in [Endpoint.Scheme.quic, .grpc] {
            #expect(try await connect(transport, endpoint.withScheme(scheme)).0 == .quic)
        }
        #expect(client.grpc.attempts == 0)
        await transport.shutdown()
        await server.quic.shutdown()
        await server.grpc.shutdown()
    }

    @Test func `A peer behind a UDP black hole costs the head start once`() async throws {
        let server = try Wires(Self.tls(Self.authority, "server"))
        let client = try Wires(Self.tls(Self.authority, "client"))
        let endpoint = try await server.grpc.listen(on: Self.endpoint(.grpc), services: [EchoService()]).endpoint
        let hole = try DeafUDPSocket(port: try #require(endpoint.port))
        // Else TCP might have won before a busy machine has sent QUIC's first packet.
        client.grpc.wait(for: hole)
        let events = Events()
        let transport = client.quic.racing(
            against: client.grpc, headStart: .milliseconds(250), observer: events.observer)
        let (scheme, took) = try await connect(transport, endpoint)
        #expect(scheme == .grpc && took >= .milliseconds(250))
        #expect(client.quic.attempts == 1)
        #expect(events.kinds == [.raceWon, .udpBlocked])

        // A head start that nobody would wait for in vain: TCP leads now.
        for _ in 0..<3 { #expect(try await connect(transport, endpoint).0 == .grpc) }
        #expect(events.kinds == [.raceWon, .udpBlocked])
        await transport.shutdown()
        await server.grpc.shutdown()
    }

    @Test func `A peer without TCP is reached by QUIC, one without QUIC at once by TCP, one without both not at all`()
        async throws
    {
        let server = try Wires(Self.tls(Self.authority, "server"))
        let client = try Wires(Self.tls(Self.authority, "client"))
        let events = Events()
        let transport = client.quic.racing(against: client.grpc, headStart: .seconds(60), observer: events.observer)

        let quicOnly = try await server.quic.listen(on: Self.endpoint(.quic), services: [EchoService()])
        #expect(try await connect(transport, quicOnly.endpoint).0 == .quic)

        // The system says at once that nobody has the UDP port; the head start is not waited for.
        let tcpOnly = try await server.grpc.listen(on: Self.endpoint(.grpc), services: [EchoService()])
        let (scheme, took) = try await connect(transport, tcpOnly.endpoint)
        #expect(scheme == .grpc && took < .seconds(60))
        #expect(events.kinds == [.raceWon, .raceWon])

        await quicOnly.shutdown(within: .zero)
        await tcpOnly.shutdown(within: .zero)
        await #expect { try await transport.connect(to: tcpOnly.endpoint) } throws: { error in
            let error = error as? TransportError
            return error?.code == .unavailable && error?.cause is RaceFailure
        }
        await transport.shutdown()
        await server.quic.shutdown()
        await server.grpc.shutdown()
    }

    @Test func `A QUIC that is somebody else's is not hidden by a TCP that is right`() async throws {
        let server = try Wires(
            Self.tls(Self.authority, "server"), quicTLS: Self.tls(Self.stranger, "server"))
        let client = try Wires(Self.tls(Self.authority, "client"))
        let endpoint = try await server.grpc.listen(on: Self.endpoint(.grpc), services: [EchoService()]).endpoint
        _ = try await server.quic.listen(on: endpoint.withScheme(.quic), services: [EchoService()])
        let transport = client.quic.racing(against: client.grpc, headStart: .seconds(60))
        await #expect { try await transport.connect(to: endpoint) } throws: {
            ($0 as? TransportError)?.code == .unauthenticated
        }
        #expect(client.grpc.attempts == 0)
        await transport.shutdown()
        await server.quic.shutdown()
        await server.grpc.shutdown()
    }
}
