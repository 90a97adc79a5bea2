import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing
import TransportTLS

/// curl reaches our listener over HTTP/2 or is told why not. Any answer proves a whole handshake.
@Suite(.timeLimit(.minutes(5)), .enabled(if: Peers.isThere(Peers.curl))) struct CurlTests {
    private func get(_ port: Int, _ arguments: [String]) async throws -> PeerProcess.Outcome {
        try await PeerProcess.run(
            Peers.curl,
            ["--silent", "--show-error", "--http2", "--max-time", "120", "--output", "/dev/null", "--write-out"]
                + ["%{http_version} %{http_code} %{ssl_verify_result}"] + arguments + ["https://127.0.0.1:\(port)/"])
    }

    private func own(_ files: IdentityFiles, _ keys: ForeignKeys) -> [String] {
        ["--cacert", files.ca]
            + (keys.isMutual ? ["--cert", files.certificate("client"), "--key", files.key("client")] : [])
    }

    /// A GET is no gRPC request, which is what the answer says.
    private static let answer = "2 405 0"

    @Test(arguments: ForeignKeys.all)
    func `curl is answered in TLS 1.3`(_ keys: ForeignKeys) async throws {
        try await keys.withListener { rig, files in
            let outcome = try await get(rig.port, own(files, keys))
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.output == Self.answer, "\(outcome)")
        }
    }

    @Test(arguments: ForeignKeys.all)
    func `curl is answered in TLS 1.2 where that is allowed`(_ keys: ForeignKeys) async throws {
        try await keys.withListener(.tls12) { rig, files in
            let outcome = try await get(rig.port, own(files, keys) + ["--tls-max", "1.2"])
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.output == Self.answer, "\(outcome)")
        }
    }

    @Test func `curl's HEAD is answered without content, and curl is told what is allowed`() async throws {
        let keys = ForeignKeys(.p256, isMutual: true)
        try await keys.withListener { rig, files in
            let outcome = try await get(
                rig.port, own(files, keys) + ["--head", "--write-out", "%{http_code} %{size_download} %header{allow}"])
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.output == "405 0 POST", "\(outcome)")
        }
    }

    @Test func `curl is refused in TLS 1.2 by default`() async throws {
        let keys = ForeignKeys(.p256, isMutual: false)
        try await keys.withListener { rig, files in
            let outcome = try await get(rig.port, own(files, keys) + ["--tls-max", "1.2"])
            #expect(outcome.status == 35, "\(outcome)")
            #expect(outcome.errors.contains("alert protocol version"), "\(outcome)")
            let error = try await rig.refusedHandshake()
            #expect((error.cause as? TLSError)?.code == .protocolVersion, "\(error)")
            #expect(try await get(rig.port, own(files, keys)).output == Self.answer)
        }
    }

    @Test func `curl without certificate is refused`() async throws {
        let keys = ForeignKeys(.p256, isMutual: true)
        try await keys.withListener { rig, files in
            let outcome = try await get(rig.port, ["--cacert", files.ca])
            #expect(outcome.status != 0)
            #expect(outcome.errors.contains("certificate required"), "\(outcome)")
            let error = try await rig.refusedHandshake()
            #expect((error.cause as? TLSError)?.code == .noCertificate, "\(error)")
            #expect(try await get(rig.port, own(files, keys)).output == Self.answer)
        }
    }

    @Test func `curl with a certificate of another authority is refused`() async throws {
        let keys = ForeignKeys(.p256, isMutual: true)
        let others = try IdentityFiles()
        defer { others.remove() }
        try await keys.withListener { rig, files in
            let stranger = ["--cert", others.certificate("client"), "--key", others.key("client")]
            let outcome = try await get(rig.port, ["--cacert", files.ca] + stranger)
            #expect(outcome.status != 0)
            #expect(outcome.errors.contains("unknown ca"), "\(outcome)")
            let error = try await rig.refusedHandshake()
            #expect((error.cause as? TLSError)?.code == .untrustedIssuer, "\(error)")
            #expect(try await get(rig.port, own(files, keys)).output == Self.answer)
        }
    }

    @Test func `curl that trusts another authority refuses us`() async throws {
        let keys = ForeignKeys(.p256, isMutual: false)
        let others = try IdentityFiles()
        defer { others.remove() }
        try await keys.withListener { rig, files in
            let outcome = try await get(rig.port, ["--cacert", others.ca])
            // CURLE_PEER_FAILED_VERIFICATION
            #expect(outcome.status == 60, "\(outcome)")
            let error = try await rig.refusedHandshake()
            #expect((error.cause as? TLSError)?.alert == .unknownCA, "\(error)")
            #expect(try await get(rig.port, own(files, keys)).output == Self.answer)
        }
    }
}
