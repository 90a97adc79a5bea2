import ForeignPeers
import Foundation
import NodeTransport
import QUICTransport
import Testing
import TransportTLS

/// aioquic's client against our listener: gRPC, HTTP/3 and QUIC as somebody else reads the documents.
@Suite(.enabled(if: Peers.isThere(Peers.python)), .timeLimit(.minutes(6)))
struct AioquicClientTests {
    private struct CaseResult: Decodable {
        let `case`: String
        let ok: Bool
        let detail: String
    }

    private func call(_ port: Int, _ arguments: [String]) async throws -> PeerProcess.Outcome {
        try await PeerProcess.run(
            Peers.python, [Peers.script("grpc_h3_client.py"), "--target", "127.0.0.1:\(port)"] + arguments)
    }

    private func results(_ outcome: PeerProcess.Outcome) throws -> [CaseResult] {
        try outcome.lines.map { try JSONDecoder().decode(CaseResult.self, from: Data($0.utf8)) }
    }

    private func expectAllCases(_ outcome: PeerProcess.Outcome, count: Int) throws {
        let results = try results(outcome)
        for result in results { #expect(result.ok, "\(result.case): \(result.detail)") }
        #expect(results.count >= count, "\(outcome.errors)")
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    private func expectServed(_ port: Int, _ files: IdentityFiles) async throws {
        try expectAllCases(try await call(port, ["--case", "unary"] + files.clientArguments), count: 1)
    }

    @Test func `aioquic agrees under mutual TLS`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try await ForeignRig.run(files) { rig in
            try expectAllCases(try await call(rig.port, files.clientArguments), count: 30)
        }
    }

    @Test func `aioquic proves its address when it gets a Retry`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try await ForeignRig.run(files, { $0.addressValidation = .always }) { rig in
            let names = ["retry", "metadata", "unary_4mib", "version_negotiation"].flatMap { ["--case", $0] }
            try expectAllCases(try await call(rig.port, names + files.clientArguments), count: 4)
        }
    }

    /// With a client's certificate the listener gives no tickets: the engine judges the chain in each handshake.
    @Test func `aioquic gets no ticket under mutual TLS`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try await ForeignRig.run(files) { rig in
            try expectAllCases(try await call(rig.port, ["--case", "no_ticket"] + files.clientArguments), count: 1)
        }
    }

    @Test func `aioquic resumes where no certificate is asked for, and gets no early data`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try await ForeignRig.run(files, asksClients: false) { rig in
            let names = ["unary", "resumption", "early_data"].flatMap { ["--case", $0] }
            try expectAllCases(try await call(rig.port, ["--tls-ca", files.ca] + names), count: 3)
        }
    }

    @Test func `aioquic's early idempotent call is answered at once, and another is held`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try await ForeignRig.run(files, asksClients: false, { $0.acceptsEarlyData = true }) { rig in
            let names = ["resumption", "early_calls"].flatMap { ["--case", $0] }
            try expectAllCases(try await call(rig.port, ["--tls-ca", files.ca] + names), count: 2)
        }
    }

    @Test func `aioquic without certificate is refused`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try await expectRefusal(files, ["--tls-ca", files.ca], alert: 116, .noCertificate)
    }

    @Test func `aioquic with a certificate of another authority is refused`() async throws {
        let (files, others) = (try IdentityFiles(), try IdentityFiles())
        defer {
            files.remove()
            others.remove()
        }
        let arguments = [
            "--tls-ca", files.ca, "--tls-cert", others.certificate("client"), "--tls-key", others.key("client"),
        ]
        try await expectRefusal(files, arguments, alert: 48, .untrustedIssuer)
    }

    @Test func `aioquic with an expired certificate is refused`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try files.addExpired("late")
        try await expectRefusal(files, files.arguments("late"), alert: 45, .expired)
    }

    /// The alert is what aioquic was told, the code what our side says of it; others are served before and after.
    private func expectRefusal(
        _ files: IdentityFiles, _ arguments: [String], alert: Int, _ code: TLSError.Code
    ) async throws {
        try await ForeignRig.run(files) { rig in
            let outcome = try await call(rig.port, ["--case", "refused"] + arguments)
            let result = try #require(try results(outcome).first, "\(outcome.errors)")
            #expect(result.ok && result.detail == "alert \(alert)", "\(result.detail)")
            let error = try await rig.refusal()
            #expect(error.code == .unauthenticated)
            #expect((error.cause as? TLSError)?.code == code, "\(error)")
            try await expectServed(rig.port, files)
        }
    }
}
