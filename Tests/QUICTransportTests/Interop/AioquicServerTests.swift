import ForeignPeers
import NodeTransport
import StreamTables
import Testing
import TransportTLS

@testable import QUICTransport

/// Our client against aioquic's server with the echo service.
@Suite(.enabled(if: Peers.isThere(Peers.python)), .timeLimit(.minutes(3)))
struct AioquicServerTests {
    private func serve(_ arguments: [String]) async throws -> (PeerProcess, port: Int) {
        try await PeerProcess.server(Peers.python, [Peers.script("grpc_h3_server.py")] + arguments)
    }

    @Test func `aioquic serves us under mutual TLS`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let (peer, port) = try await serve(files.serverArguments)
        defer { withExtendedLifetime(peer) {} }
        try await ForeignRig.connect(files.configuration("client"), port: port) { try await EchoCases($0).all() }
    }

    @Test func `aioquic serves us after a Retry, and asks for no certificate`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let (peer, port) = try await serve(
            ["--retry", "--tls-cert", files.certificate("server"), "--tls-key", files.key("server")])
        defer { withExtendedLifetime(peer) {} }
        try await ForeignRig.connect(files.configuration("client"), port: port) { try await EchoCases($0).shapes() }
    }

    @Test func `aioquic resumes us, and takes our early calls`() async throws {
        try await expectEarlyCalls([], isAccepted: true)
    }

    @Test func `aioquic takes no early data, and we send it again`() async throws {
        try await expectEarlyCalls(["--forget-tickets"], isAccepted: false)
    }

    /// Comes twice; the second time with two calls at once, of which one may be early.
    private func expectEarlyCalls(_ arguments: [String], isAccepted: Bool) async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let (peer, port) = try await serve(
            arguments + ["--tls-cert", files.certificate("server"), "--tls-key", files.key("server")])
        defer { withExtendedLifetime(peer) {} }
        var configuration = QUICTransport.Configuration()
        configuration.sendsEarlyData = true
        // While the relay is closed, the handshake waits.
        configuration.handshakeTimeout = .seconds(60)
        let transport = try QUICTransport(tls: files.configuration("client"), configuration: configuration)
        let relay = try GatedRelay(to: port)
        let outcome = await Result { () async throws in
            let endpoint = try Endpoint(parsing: "quic://127.0.0.1:\(relay.port)")
            let first = try await transport.connect(to: endpoint)
            #expect(first.state.isReady)
            #expect(try await first.call(Echo.wasEarly, Bytes()) == "late")
            await first.close(within: .zero)

            // Nothing of the server's comes before both calls are made.
            relay.setOpen(toClient: false)
            let connection = try await transport.connect(to: endpoint)
            #expect(!connection.state.isReady)
            async let early = connection.call(Echo.wasEarly, Bytes())
            async let late = connection.call(Echo.wasEarlyNotIdempotent, Bytes())
            try await wait(for: try #require(connection as? QUICClientConnection)) {
                $0.calls.count == 1 && $0.queue.count == 1
            }
            relay.setOpen()
            #expect(try await (early, late) == (isAccepted ? "early" : "late", "late"))
            let statistics = try await QUICControl(connection)?.statistics()
            #expect(statistics?.isEarlyDataAccepted == isAccepted && statistics?.isResumed == isAccepted)
        }
        await transport.shutdown(within: .zero)
        await relay.stop()
        try outcome.get()
    }

    @Test func `aioquic refuses us with a certificate of another authority`() async throws {
        let (files, others) = (try IdentityFiles(), try IdentityFiles())
        defer {
            files.remove()
            others.remove()
        }
        let tls = try TLSConfiguration(
            identity: Identity(certificateFile: others.certificate("client"), keyFile: others.key("client")),
            trust: .roots(file: files.ca))
        try await expectRefusal(tls, files.serverArguments)
    }

    @Test func `aioquic refuses us without certificate`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let tls = try TLSConfiguration(identity: nil, trust: .roots(file: files.ca))
        try await expectRefusal(tls, files.serverArguments)
    }

    @Test func `aioquic refuses us with an expired certificate`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try files.addExpired("late")
        try await expectRefusal(try files.configuration("late", daysAgo: 2), files.serverArguments)
    }

    @Test func `We refuse an aioquic of another authority, and one that has expired`() async throws {
        let (files, others) = (try IdentityFiles(), try IdentityFiles())
        defer {
            files.remove()
            others.remove()
        }
        try files.addExpired("late")
        for (server, code) in [
            (others.serverArguments, TLSError.Code.untrustedIssuer), (files.arguments("late"), .expired),
        ] {
            let (peer, port) = try await serve(server)
            defer { withExtendedLifetime(peer) {} }
            let error = await #expect(throws: TransportError.self) {
                try await ForeignRig.connect(files.configuration("client"), port: port) { _ in }
            }
            #expect(error?.code == .unauthenticated)
            #expect((error?.cause as? TLSError)?.code == code, "\(String(describing: error))")
        }
    }

    private func expectRefusal(_ tls: TLSConfiguration, _ server: [String]) async throws {
        let (peer, port) = try await serve(server)
        defer { withExtendedLifetime(peer) {} }
        let error = await #expect(throws: TransportError.self) {
            try await ForeignRig.connect(tls, port: port) { _ = try await $0.call(Echo.unary, Bytes(utf8: "never")) }
        }
        #expect(error?.code == .unauthenticated, "\(String(describing: error))")
        #expect((error?.cause as? TLSError)?.alert != nil, "\(String(describing: error))")
        #expect(error?.processing == .notProcessed)
    }
}
