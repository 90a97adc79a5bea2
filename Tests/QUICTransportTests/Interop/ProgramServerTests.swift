import ForeignPeers
import NodeTransport
import QUICTransport
import Testing
import TransportTLS

/// Our client against servers that speak HTTP/3 but not all of gRPC.
@Suite(.timeLimit(.minutes(2)))
struct ProgramServerTests {
    /// It answers with a status in the head, and in its message what it got.
    @Test(.enabled(if: Peers.isThere(Peers.quicGo)), arguments: [0, 100, 1 << 20])
    func `quic-go takes a request under mutual TLS`(size: Int) async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let (peer, port) = try await serve(files.serverArguments)
        defer { withExtendedLifetime(peer) {} }
        try await ForeignRig.connect(files.configuration("client"), port: port) { connection in
            var metadata = Metadata()
            try metadata.add("x-echo-bin", Bytes(0...255))
            let error = await #expect(throws: TransportError.self) {
                try await connection.call(
                    Echo.unary, Bytes([UInt8](repeating: 7, count: size)), metadata: metadata)
            }
            #expect(error?.code == .notFound, "\(String(describing: error))")
            let words = (error?.message ?? "").split(separator: " ")
            try #require(words.count == 3)
            #expect(words[0] == "\(size + 5)" && words[2] == "/echo.Echo/Unary", "\(words)")
            #expect(error?.metadata[binary: "x-echo-bin"] == Bytes(0...255))
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.quicGo)))
    func `quic-go refuses us without certificate and with a wrong one`() async throws {
        let (files, others) = (try IdentityFiles(), try IdentityFiles())
        defer {
            files.remove()
            others.remove()
        }
        let (peer, port) = try await serve(files.serverArguments)
        defer { withExtendedLifetime(peer) {} }
        let trust = try Trust.roots(file: files.ca)
        let stranger = try Identity(certificateFile: others.certificate("client"), keyFile: others.key("client"))
        for identity in [nil, stranger] {
            let error = await #expect(throws: TransportError.self) {
                try await ForeignRig.connect(TLSConfiguration(identity: identity, trust: trust), port: port) {
                    _ = try await $0.call(Echo.unary, Bytes())
                }
            }
            #expect(error?.code == .unauthenticated, "\(String(describing: error))")
            #expect((error?.cause as? TLSError)?.code == .peerAlert, "\(String(describing: error))")
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.quicGo)))
    func `We refuse a quic-go of another authority`() async throws {
        let (files, others) = (try IdentityFiles(), try IdentityFiles())
        defer {
            files.remove()
            others.remove()
        }
        let (peer, port) = try await serve(others.serverArguments)
        defer { withExtendedLifetime(peer) {} }
        let error = await #expect(throws: TransportError.self) {
            try await ForeignRig.connect(files.configuration("client"), port: port) { _ in }
        }
        #expect((error?.cause as? TLSError)?.code == .untrustedIssuer, "\(String(describing: error))")
    }

    /// A server of files: no path of ours is there, which is 404 and UNIMPLEMENTED in gRPC.
    @Test(.enabled(if: Peers.isThere(Peers.gtlsserver)), arguments: [[], ["--verify-client"], ["--validate-addr"]])
    func `ngtcp2's server answers us`(arguments: [String]) async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let port = try freePort()
        // It says where it is on standard error.
        let (peer, _) = try await PeerProcess.start(
            "/bin/sh",
            ["-c", "exec \"$0\" \"$@\" 2>&1", Peers.gtlsserver, "--quiet", "--htdocs", files.path] + arguments + [
                "127.0.0.1", "\(port)", files.key("server"), files.certificate("server"),
            ], announcing: "Using document root")
        defer { withExtendedLifetime(peer) {} }
        try await ForeignRig.connect(files.configuration("client"), port: port) { connection in
            for size in [0, 100_000] {
                let error = await #expect(throws: TransportError.self) {
                    try await connection.call(Echo.unary, Bytes([UInt8](repeating: 7, count: size)))
                }
                #expect(error?.code == .unimplemented, "\(String(describing: error))")
                #expect(error?.message.contains("404") == true, "\(String(describing: error))")
            }
        }
    }

    private func serve(_ arguments: [String]) async throws -> (PeerProcess, port: Int) {
        try await PeerProcess.server(Peers.quicGo, ["serve"] + arguments)
    }
}
