import ForeignPeers
import NodeTransport
import QUICTransport
import Testing
import TransportTLS

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
