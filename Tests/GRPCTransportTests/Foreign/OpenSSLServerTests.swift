import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing
import TransportTLS

/// Our client and OpenSSL's own server, which sends back each line in reverse.
@Suite(.timeLimit(.minutes(5)), .enabled(if: Peers.isThere(Peers.openssl))) struct OpenSSLServerTests {
    private func serve(
        _ files: IdentityFiles, isMutual: Bool, _ options: [String] = []
    ) async throws -> (PeerProcess, port: Int) {
        let own = ["-cert", files.certificate("server"), "-key", files.key("server"), "-CAfile", files.ca]
        let mutual = isMutual ? ["-Verify", "1", "-verify_return_error"] : []
        return try await PeerProcess.server(
            Peers.openssl, ["s_server", "-accept", "127.0.0.1:0", "-alpn", "h2", "-rev"] + own + mutual + options,
            announcing: "ACCEPT 127.0.0.1:")
    }

    private func configuration(_ files: IdentityFiles, hasIdentity: Bool) throws -> TLSConfiguration {
        try TLSConfiguration(
            identity: hasIdentity
                ? Identity(certificateFile: files.certificate("client"), keyFile: files.key("client")) : nil,
            trust: .roots(file: files.ca), minimumVersion: .tls12)
    }

    @Test(arguments: ForeignKeys.all)
    func `it serves us with every kind of key`(_ keys: ForeignKeys) async throws {
        let files = try await blocking { try IdentityFiles.shared(keys.keyType) }
        defer { files.remove() }
        let (peer, port) = try await serve(files, isMutual: keys.isMutual)
        let configuration = try configuration(files, hasIdentity: keys.isMutual)
        for version in [TLSVersion.tls13, .tls12] {
            let (line, spoken, name) = try await blocking {
                let socket = try TLSSocket(client: configuration, to: port, maximumVersion: version)
                try socket.send("drawer\n")
                return (try socket.line(), socket.session.version, socket.session.peer?.commonName)
            }
            #expect(line == "reward\n")
            #expect(spoken == version)
            #expect(name == "server")
        }
        withExtendedLifetime(peer) {}
    }

    @Test func `it refuses us without a certificate`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let (peer, port) = try await serve(files, isMutual: true)
        let configuration = try configuration(files, hasIdentity: false)
        let error = await #expect(throws: TLSError.self) {
            try await blocking { _ = try TLSSocket(client: configuration, to: port).line() }
        }
        #expect(error?.alert == .certificateRequired, "\(error as Any)")
        withExtendedLifetime(peer) {}
    }

    @Test func `we refuse it when we trust another authority`() async throws {
        let (files, others) = (try IdentityFiles(), try IdentityFiles())
        defer {
            files.remove()
            others.remove()
        }
        let (peer, port) = try await serve(files, isMutual: false)
        let stranger = try configuration(others, hasIdentity: false)
        let error = await #expect(throws: TLSError.self) {
            try await blocking { _ = try TLSSocket(client: stranger, to: port) }
        }
        #expect(error?.code == .untrustedIssuer, "\(error as Any)")
        withExtendedLifetime(peer) {}
    }

    @Test func `we refuse its TLS 1.2 unless that is allowed`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let (peer, port) = try await serve(files, isMutual: false, ["-tls1_2"])
        var strict = try configuration(files, hasIdentity: false)
        strict.minimumVersion = .tls13
        let configuration = strict
        let error = await #expect(throws: TLSError.self) {
            try await blocking { _ = try TLSSocket(client: configuration, to: port) }
        }
        #expect(error?.alert == .protocolVersion, "\(error as Any)")
        withExtendedLifetime(peer) {}
    }
}
