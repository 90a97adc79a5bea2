import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing
import TransportTLS

/// OpenSSL's own client agrees with our server about what is right and what is refused.
@Suite(.timeLimit(.minutes(5)), .enabled(if: Peers.isThere(Peers.openssl))) struct OpenSSLClientTests {
    private func run(_ body: (RefusalRig, IdentityFiles) async throws -> Void) async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let security = try files.serverSecurity
        try await RefusalRig.run(security) { rig in
            try await body(rig, files)
            try await rig.expectServed(files.security("client"))
        }
    }

    @Test func `it verifies our chain and we verify its`() async throws {
        try await run { rig, files in
            let outcome = try await OpenSSLProgram.connect(
                to: rig.port, "-alpn", "h2", "-CAfile", files.ca, "-cert", files.certificate("client"), "-key",
                files.key("client"), "-verify_return_error", "-verify_ip", "127.0.0.1")
            #expect(outcome.output.contains("Verify return code: 0 (ok)"), "\(outcome)")
            #expect(outcome.output.contains("TLSv1.3"))
            #expect(outcome.output.contains("ALPN protocol: h2"))
        }
    }

    @Test(arguments: ForeignKeys.all)
    func `it verifies every kind of key`(_ keys: ForeignKeys) async throws {
        for (version, option, name) in [(TLSVersion.tls13, "-tls1_3", "TLSv1.3"), (.tls12, "-tls1_2", "TLSv1.2")] {
            try await keys.withListener(version) { rig, files in
                let own =
                    keys.isMutual ? ["-cert", files.certificate("client"), "-key", files.key("client")] : []
                let outcome = try await PeerProcess.run(
                    Peers.openssl,
                    [
                        "s_client", "-connect", "127.0.0.1:\(rig.port)", option, "-alpn", "h2", "-CAfile", files.ca,
                        "-verify_return_error", "-x509_strict", "-verify_ip", "127.0.0.1",
                    ] + own)
                #expect(outcome.status == 0, "\(outcome)")
                #expect(outcome.output.contains("Verify return code: 0 (ok)"), "\(outcome)")
                #expect(outcome.output.contains("New, \(name)"), "\(outcome)")
                #expect(outcome.output.contains("ALPN protocol: h2"), "\(outcome)")
            }
        }
    }

    @Test func `a client of TLS 1.2 is refused`() async throws {
        try await run { rig, files in
            let outcome = try await OpenSSLProgram.connect(
                to: rig.port, "-tls1_2", "-alpn", "h2", "-CAfile", files.ca, "-cert", files.certificate("client"),
                "-key", files.key("client"))
            #expect(outcome.status != 0)
            #expect(outcome.errors.contains("alert protocol version"), "\(outcome)")
            let error = try await rig.refusedHandshake()
            #expect(error.code == .unavailable)
            #expect((error.cause as? TLSError)?.code == .protocolVersion)
            #expect(error.description.contains("no TLS version in common with the client"), "\(error)")
        }
    }

    @Test(arguments: [["-alpn", "h9"], []])
    func `a client without our application protocol is refused`(_ alpn: [String]) async throws {
        try await run { rig, files in
            let arguments = ["s_client", "-connect", "127.0.0.1:\(rig.port)"] + alpn
            let outcome = try await PeerProcess.run(
                Peers.openssl,
                arguments + ["-CAfile", files.ca, "-cert", files.certificate("client"), "-key", files.key("client")])
            #expect(outcome.status != 0)
            #expect(outcome.errors.contains("no application protocol"), "\(outcome)")
            let error = try await rig.refusedHandshake()
            #expect(error.code == .unavailable)
            #expect((error.cause as? TLSError)?.code == .noApplicationProtocol)
            #expect(error.description.contains("application protocol (ALPN)"), "\(error)")
        }
    }
}
