import ForeignPeers
import Foundation
import GRPCTransport
import NodeTransport
import Testing
import TransportTLS

/// testssl.sh looks for known weaknesses of a listener; `make tls-audit` asks for it, for it takes minutes.
@Suite(
    .enabled(if: ProcessInfo.processInfo.environment["TRANSPORT_TLS_AUDIT"] != nil), .timeLimit(.minutes(10)),
    .serialized)
struct TLSAuditTests {
    private struct Finding: Decodable, CustomStringConvertible {
        let id: String
        let severity: String
        let finding: String

        var description: String { "\(severity): \(id): \(finding)" }
    }

    /// What does not count, and why.
    private static let exempt = ["cert_revocation": "a development CA publishes no revocations; ours are by pin"]

    @Test(arguments: [TLSVersion.tls13, .tls12])
    func `it finds nothing above low`(oldest: TLSVersion) async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        // It speaks no ALPN of ours; without it we are as strict.
        let configuration = try TLSConfiguration(
            identity: Identity(certificateFile: files.certificate("server"), keyFile: files.key("server")),
            trust: .roots(file: files.ca), clientAuthentication: .none, minimumVersion: oldest,
            applicationProtocols: [])
        try await RefusalRig.run(.tls(configuration)) { rig in
            let outcome = try await PeerProcess.run(
                Peers.testssl,
                [
                    "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--add-ca", files.ca,
                    "--openssl", Peers.openssl, "--jsonfile", folder.path + "/audit.json", "localhost:\(rig.port)",
                ])
            let data = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/audit.json"))
            let findings = try JSONDecoder().decode([Finding].self, from: data)
            // An audit that could not speak with us would find little, too.
            #expect(findings.contains { $0.id == "TLS1_3" && $0.severity == "OK" }, "\(outcome.output)")
            #expect(findings.count > 40, "\(outcome.output)")
            for finding in findings where !["OK", "INFO", "DEBUG"].contains(finding.severity) {
                let reason = Self.exempt[finding.id]
                print("\(oldest): \(finding)\(reason.map { " (exempt: \($0))" } ?? "")")
                let isSerious = ["MEDIUM", "HIGH", "CRITICAL", "FATAL"].contains(finding.severity)
                #expect(!isSerious || reason != nil, "\(finding)")
            }
        }
    }
}
