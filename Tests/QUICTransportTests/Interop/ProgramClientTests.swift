import ForeignPeers
import Foundation
import NodeTransport
import QUICTransport
import Testing
import TransportTLS

/// Programs that speak HTTP/3 on other libraries, against our listener: quic-go, ngtcp2's own client, and curl.
@Suite(.timeLimit(.minutes(4)))
struct ProgramClientTests {
    @Test(.enabled(if: Peers.isThere(Peers.quicGo)))
    func `quic-go agrees under mutual TLS`() async throws {
        try await withListener { rig, files in
            let outcome = try await quicGo(rig.port, files.clientArguments)
            for name in ["unary", "unary_1mib", "status", "concurrent_100", "get"] {
                #expect(
                    outcome.lines.contains { $0.contains("\"\(name)\"") && $0.contains("\"ok\":true") }, "\(outcome)")
            }
            #expect(outcome.status == 0, "\(outcome)")
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.quicGo)))
    func `quic-go without certificate is refused`() async throws {
        try await withListener { rig, files in
            let outcome = try await quicGo(rig.port, ["--tls-ca", files.ca])
            #expect(outcome.output.contains("alert 116"), "\(outcome)")
            try await expectRefusal(rig, .noCertificate)
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.quicGo)))
    func `quic-go with a wrong certificate is refused`() async throws {
        let others = try IdentityFiles()
        defer { others.remove() }
        try await withListener { rig, files in
            let stranger = ["--tls-cert", others.certificate("client"), "--tls-key", others.key("client")]
            let unknown = try await quicGo(rig.port, ["--tls-ca", files.ca] + stranger)
            #expect(unknown.output.contains("alert 48"), "\(unknown)")
            try await expectRefusal(rig, .untrustedIssuer)
            try files.addExpired("late")
            let late = try await quicGo(rig.port, files.arguments("late"))
            #expect(late.output.contains("alert 45"), "\(late)")
            try await expectRefusal(rig, .expired)
            #expect(try await quicGo(rig.port, files.clientArguments).status == 0)
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.quicGo)))
    func `quic-go that trusts another authority refuses us`() async throws {
        let others = try IdentityFiles()
        defer { others.remove() }
        try await withListener { rig, _ in
            let outcome = try await quicGo(rig.port, others.clientArguments)
            #expect(outcome.status == 1)
            let error = try await rig.refusal()
            #expect((error.cause as? TLSError)?.code == .peerAlert, "\(error)")
        }
    }

    /// With Version Negotiation where it begins with the draft of QUIC's version 2.
    @Test(
        .enabled(if: Peers.isThere(Peers.gtlsclient)),
        arguments: [[], ["--version=v2draft", "--preferred-versions=v2draft,v1"]])
    func `ngtcp2's client is answered`(version: [String]) async throws {
        try await withListener { rig, files in
            let outcome = try await gtls(
                rig.port, ["--cert", files.certificate("client"), "--key", files.key("client")] + version)
            #expect(outcome.text.contains("QUIC handshake has been confirmed"), "\(outcome.text)")
            #expect(outcome.text.contains("[:status: 405]"), "\(outcome.text)")
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.gtlsclient)))
    func `ngtcp2's client updates its keys and moves to another port`() async throws {
        try await withListener { rig, files in
            let outcome = try await gtls(
                rig.port,
                [
                    "--cert", files.certificate("client"), "--key", files.key("client"), "--key-update=1ms",
                    "--change-local-addr=20ms", "--delay-stream=200ms",
                ])
            #expect(outcome.text.contains("Changing local address"), "\(outcome.text)")
            #expect(outcome.text.contains("[:status: 405]"), "\(outcome.text)")
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.gtlsclient)))
    func `ngtcp2's client proves its address when it gets a Retry`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try await ForeignRig.run(files, { $0.addressValidation = .always }) { rig in
            let outcome = try await gtls(
                rig.port, ["--cert", files.certificate("client"), "--key", files.key("client")])
            #expect(outcome.text.contains("Retry"), "\(outcome.text)")
            #expect(outcome.text.contains("[:status: 405]"), "\(outcome.text)")
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.gtlsclient)))
    func `ngtcp2's client without certificate is refused`() async throws {
        try await withListener { rig, _ in
            let outcome = try await gtls(rig.port, [])
            #expect(!outcome.text.contains("[:status:"), "\(outcome.text)")
            try await expectRefusal(rig, .noCertificate)
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func `curl is answered in HTTP 3, and refused without certificate`() async throws {
        try await withListener { rig, files in
            let served = try await curl(rig.port, files.clientArguments)
            #expect(served.output.contains("\"status\": 405, \"version\": \"3\""), "\(served)")
            let refused = try await curl(rig.port, ["--tls-ca", files.ca])
            #expect(refused.status == 1)
            // CURLE_RECV_ERROR: TLS 1.3 refuses a client after the client has finished.
            #expect(refused.output.contains("\"error\": 56"), "\(refused)")
            try await expectRefusal(rig, .noCertificate)
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func `curl that trusts another authority refuses us`() async throws {
        let others = try IdentityFiles()
        defer { others.remove() }
        try await withListener { rig, _ in
            let outcome = try await curl(rig.port, others.clientArguments)
            // CURLE_PEER_FAILED_VERIFICATION
            #expect(outcome.output.contains("\"error\": 60"), "\(outcome)")
            // curl closes with an error of QUIC and no alert.
            #expect(try await rig.refusal().code == .unavailable)
        }
    }

    // MARK: The programs

    private func withListener(_ body: (ForeignRig, IdentityFiles) async throws -> Void) async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try await ForeignRig.run(files) { try await body($0, files) }
    }

    private func expectRefusal(_ rig: ForeignRig, _ code: TLSError.Code) async throws {
        let error = try await rig.refusal()
        #expect(error.code == .unauthenticated)
        #expect((error.cause as? TLSError)?.code == code, "\(error)")
    }

    private func quicGo(_ port: Int, _ arguments: [String]) async throws -> PeerProcess.Outcome {
        try await PeerProcess.run(Peers.quicGo, ["call", "--to", "127.0.0.1:\(port)"] + arguments)
    }

    private func curl(_ port: Int, _ arguments: [String]) async throws -> PeerProcess.Outcome {
        try await PeerProcess.run(
            Peers.python, [Peers.script("h3_get.py"), "--url", "https://127.0.0.1:\(port)/"] + arguments)
    }

    /// It tells what it sees on standard error, and its status says nothing.
    private func gtls(_ port: Int, _ arguments: [String]) async throws -> (text: String, status: Int32) {
        let outcome = try await PeerProcess.run(
            Peers.gtlsclient,
            ["--no-quic-dump", "--exit-on-all-streams-close", "--timeout=60s"] + arguments + [
                "127.0.0.1", "\(port)", "https://127.0.0.1:\(port)/",
            ])
        return (outcome.output + outcome.errors, outcome.status)
    }
}
