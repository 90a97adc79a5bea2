import Foundation
import NodeTransport
import Testing
import TransactionSignatures
import TransportTLS

@testable import dagnode

@Suite("Identities: init, show, pin", .timeLimit(.minutes(5)))
struct IdentityTests {
    private func initialize(_ folder: Folder, _ arguments: String...) async throws -> Program.Result {
        try await Program.start(["identity", "init", "--directory", folder.path, "--name", "a"] + arguments).result()
    }

    @Test(arguments: SignatureAlgorithm.all)
    func `A signing key is made on demand, for its owner only`(algorithm: SignatureAlgorithm) async throws {
        let folder = try Folder()
        let result = try await initialize(folder, "--signing-algorithm", algorithm.name.lowercased())
        #expect(result.exitCode == 0, "\(result.error)")
        let file = "\(folder.path)/a-signing.pem"
        #expect(result.output.split(separator: "\n").count == 5)
        #expect(result.output.hasSuffix("\(file)\n"))
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        #expect(try SigningKey(file: file) { Issue.record("\($0)") }.algorithm == algorithm)
    }

    @Test func `A signing key that is there is kept`() async throws {
        let folder = try Folder()
        let key = SigningKey()
        try key.write(to: "\(folder.path)/a-signing.pem")
        let result = try await initialize(folder, "--signing-algorithm", "ed25519")
        #expect(result.exitCode == 1)
        #expect(result.errorLines.count == 1)
        #expect(result.error.contains("a-signing.pem"))
        #expect(try SigningKey(file: "\(folder.path)/a-signing.pem") { _ in }.seed == key.seed)
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/a.pem"))
    }

    @Test(arguments: [
        ["--days", "0"], ["--signing-algorithm", "rsa"], ["--uri", "no uri"], ["--uri", "spiffe:///x"],
        ["--uri", "spiffe://a/b", "--uri", "https://c"], ["--name", "b-signing"],
    ])
    func `Wrong usage makes nothing`(arguments: [String]) async throws {
        let folder = try Folder()
        let name = arguments.contains("--name") ? [] : ["--name", "a"]
        let result = try await Program.start(["identity", "init", "--directory", folder.path] + name + arguments)
            .result()
        #expect(result.exitCode == 64)
        #expect(result.errorLines.count == 1, "\(result.error)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func `What is asked for stands in the certificate`() async throws {
        let folder = try Folder()
        let made = try await initialize(
            folder, "--spiffe-id", "spiffe://example.org/a", "--days", "20", "--dns", "a.example.org", "--ip",
            "192.0.2.7")
        #expect(made.exitCode == 0, "\(made.error)")
        let result = try await Program.run(
            "identity", "show", "--json", "\(folder.path)/a.pem", "\(folder.path)/ca.pem")
        let views = try JSONDecoder().decode([CertificateView].self, from: Data(result.output.utf8))
        try #require(views.count == 2)
        #expect(views[0].subject == "CN=a")
        #expect(views[0].issuer == "CN=Development CA")
        #expect(views[0].keyType == "EC P-256")
        #expect(!views[0].isAuthority)
        for name in ["DNS:a", "DNS:a.example.org", "IP:192.0.2.7", "URI:spiffe://example.org/a"] {
            #expect(views[0].names.contains(name))
        }
        #expect((18...20).contains(views[0].daysLeft))
        #expect(views[1].isAuthority)
        #expect(views[1].subject == views[1].issuer)
        let text = try await Program.run("identity", "show", "\(folder.path)/a.pem")
        #expect(text.output.contains("  issuer       CN=Development CA\n"))
        #expect(text.output.contains("days left)"))
    }

    @Test(.enabled(if: OpenSSL.isThere))
    func `Fingerprints and pins are those of openssl`() async throws {
        let folder = try Folder()
        _ = try await initialize(folder)
        let file = "\(folder.path)/a.pem"
        let certificate = try await OpenSSL.shell("openssl x509 -in a.pem -noout -fingerprint -sha256", in: folder.path)
        let digits = try #require(certificate.split(separator: "=").last).description
        let key = try await OpenSSL.shell(
            "openssl x509 -in a.pem -pubkey -noout | openssl pkey -pubin -outform der"
                + " | openssl dgst -sha256 -binary | base64", in: folder.path)

        let shown = try await Program.run("identity", "show", file)
        #expect(shown.output.contains("  certificate  \(digits)\n"))
        #expect(shown.output.contains("  public key   sha256/\(key)\n"))
        #expect(try await Program.run("identity", "pin", file).output == "sha256/\(key)\n")
        let colons = try await Program.run("identity", "pin", "--certificate", "--format", "colons", file)
        #expect(colons.output == "\(digits)\n")
        let hex = try await Program.run("identity", "pin", "--certificate", "--format", "hex", file)
        #expect(hex.output == digits.lowercased().replacing(":", with: "") + "\n")
        let json = try await Program.run("identity", "pin", "--json", file)
        let pins = try JSONDecoder().decode([PinView].self, from: Data(json.output.utf8))
        #expect(pins.map(\.pin) == ["sha256/\(key)"])
        #expect(pins.map(\.kind) == ["public_key"])
    }

    @Test(
        .enabled(if: OpenSSL.isThere),
        arguments: [
            ("-newkey rsa:2048", "RSA 2048"), ("-newkey ec -pkeyopt ec_paramgen_curve:P-384", "EC P-384"),
            ("-newkey ed25519", "ED25519"),
        ])
    func `The kind of a key is shown`(option: String, name: String) async throws {
        let folder = try Folder()
        _ = try await OpenSSL.shell(
            "openssl req -x509 \(option) -nodes -subj '/O=Organisation/CN=a' -keyout k.pem -out a.pem", in: folder.path)
        let shown = try await Program.run("identity", "show", "\(folder.path)/a.pem")
        #expect(shown.output.contains("  key          \(name)\n"), "\(shown.output)")
    }

    @Test func `What is not a certificate is reported in one line`() async throws {
        let folder = try Folder()
        let file = try folder.write("x.pem", Data("nothing".utf8))
        for command in ["show", "pin"] {
            for file in [file, "\(folder.path)/missing.pem"] {
                let result = try await Program.run("identity", command, file)
                #expect(result.exitCode == 1)
                #expect(result.errorLines.count == 1)
                #expect(result.error.contains(file))
                #expect(result.output.isEmpty)
            }
        }
    }
}
