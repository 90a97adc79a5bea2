import Foundation
import Testing
import TransportTLS

@testable import dagnode

@Suite("Identities: check", .timeLimit(.minutes(5)))
struct IdentityCheckTests {
    /// A folder with an authority and the identity `a`.
    private func folder(days: Int = 365) throws -> Folder {
        let folder = try Folder()
        _ = try DevelopmentCA.initialize(directory: folder.path, name: "a", validDays: days)
        return folder
    }

    private func check(
        _ folder: Folder, name: String = "a", key: String? = nil, ca: String? = nil, host: String? = nil,
        daysLater: Int = 0
    ) -> CertificateCheck.Finding {
        CertificateCheck(
            file: "\(folder.path)/\(name).pem", keyFile: key, authorityFile: ca, name: host, warningDays: 30,
            criticalDays: 7
        ).run(at: WallTime.now.adding(days: daysLater))
    }

    @Test(arguments: [
        (0, CertificateCheck.State.fine), (340, .warning), (360, .critical), (366, .critical), (-2, .critical),
    ])
    func `Fewer days are worse`(daysLater: Int, state: CertificateCheck.State) throws {
        let folder = try folder()
        for key in [nil, "\(folder.path)/a-key.pem"] {
            let finding = check(folder, key: key, daysLater: daysLater)
            #expect(finding.state == state, "\(finding.line)")
            #expect(finding.line.hasPrefix(state.label + ": "))
            #expect(finding.line.contains("CN=a"))
            #expect(finding.line.contains(" | days_left="))
        }
        #expect(check(folder, daysLater: 366).line.contains("expired on"))
        #expect(check(folder, daysLater: -2).line.contains("not valid before"))
    }

    @Test func `The authority's end counts, too`() throws {
        let folder = try folder(days: 3_650)
        let finding = check(folder, ca: "\(folder.path)/ca.pem", daysLater: 3_640)
        #expect(finding.state == .warning, "\(finding.line)")
    }

    @Test func `Another's key is critical`() throws {
        let folder = try folder()
        _ = try DevelopmentCA.initialize(directory: folder.path, name: "b")
        #expect(check(folder, key: "\(folder.path)/a-key.pem").state == .fine)
        let finding = check(folder, key: "\(folder.path)/b-key.pem")
        #expect(finding.state == .critical)
        #expect(finding.text.contains("does not belong"))
    }

    @Test func `Another authority is critical`() throws {
        let (folder, other) = (try folder(), try folder())
        #expect(check(folder, ca: "\(folder.path)/ca.pem").state == .fine)
        let finding = check(folder, ca: "\(other.path)/ca.pem")
        #expect(finding.state == .critical)
        #expect(finding.text.contains("a.pem"))
    }

    @Test(arguments: [("a", true), ("localhost", true), ("127.0.0.1", true), ("b", false), ("127.0.0.2", false)])
    func `The name must stand in the certificate`(host: String, isFine: Bool) throws {
        let folder = try folder()
        for ca in [nil, "\(folder.path)/ca.pem"] {
            #expect((check(folder, ca: ca, host: host).state == .fine) == isFine)
        }
    }

    @Test func `A key that others can read is a warning`() throws {
        let folder = try folder()
        let key = "\(folder.path)/a-key.pem"
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: key)
        let finding = check(folder, key: key)
        #expect(finding.state == .warning)
        #expect(finding.text.contains("0640"))
    }

    @Test func `What cannot be read is unknown, what is no certificate critical`() throws {
        let folder = try folder()
        #expect(check(folder, name: "missing").state == .unknown)
        #expect(check(folder, key: "\(folder.path)/missing.pem").state == .unknown)
        #expect(check(folder, ca: "\(folder.path)/missing.pem").state == .unknown)
        _ = try folder.write("damaged.pem", Data("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".utf8))
        #expect(check(folder, name: "damaged").state == .critical)
    }

    @Test func `A line stays one line`() {
        let finding = CertificateCheck.Finding(state: .critical, text: "a\nb|c", daysLeft: (5, 30, 7))
        #expect(finding.line == "CRITICAL: a b/c | days_left=5;30:;7:")
    }

    @Test func `The program exits as monitoring wants it`() async throws {
        let folder = try folder()
        let file = "\(folder.path)/a.pem"
        func code(_ arguments: String...) async throws -> Int32 {
            let result = try await Program.start(["identity", "check"] + arguments).result()
            #expect(result.output.split(separator: "\n").count + result.errorLines.count == 1, "\(result)")
            return result.exitCode
        }
        #expect(
            try await code(file, "--key", "\(folder.path)/a-key.pem", "--ca", "\(folder.path)/ca.pem", "--name", "a")
                == 0)
        #expect(try await code(file, "--warn-days", "400") == 1)
        #expect(try await code(file, "--warn-days", "400", "--critical-days", "390") == 2)
        #expect(try await code("\(folder.path)/missing.pem") == 3)
        #expect(try await code(file, "--bogus") == 3)
        #expect(try await code(file, "--warn-days", "1") == 3)
        #expect(try await code() == 3)
    }

    @Test(.enabled(if: OpenSSL.isThere))
    func `A foreign certificate is checked as well`() async throws {
        let folder = try Folder()
        try await OpenSSL.selfSigned("short", days: 3, in: folder.path)
        let key = "\(folder.path)/short-key.pem"
        let finding = check(folder, name: "short", key: key, host: "short")
        #expect(finding.state == .critical)
        #expect(finding.text.contains("CN=short"))
        #expect(check(folder, name: "short", ca: "\(folder.path)/short.pem").text.contains("short"))
    }
}
