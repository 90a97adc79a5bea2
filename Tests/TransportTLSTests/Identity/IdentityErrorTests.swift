import NodeTransport
import Testing
import TransportTLS

/// What cannot be loaded, and how the error says so.
@Suite struct IdentityErrorTests {
    /// A certificate text and a key text that do not make an identity.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: TLSError.Code
        let file: String
        let block: Int?
        let message: String
        let make: @Sendable (_ certificate: String, _ key: String) throws -> (certificate: String, key: String)

        init(
            _ name: String,
            _ code: TLSError.Code,
            _ file: String,
            _ block: Int?,
            _ message: String,
            _ make: @escaping @Sendable (String, String) throws -> (certificate: String, key: String)
        ) {
            testDescription = name
            self.code = code
            self.file = file
            self.block = block
            self.message = message
            self.make = make
        }
    }

    static let cases = [
        Case("empty certificate file", .noPEMBlocks, "cert.pem", nil, "it is empty") { ("", $1) },
        Case("empty key file", .noPEMBlocks, "key.pem", nil, "it is empty") { certificate, _ in (certificate, "") },
        Case("prose instead of PEM", .noPEMBlocks, "cert.pem", nil, "no PEM block") { ("not a certificate\n", $1) },
        Case("DER that is no certificate", .malformedCertificate, "cert.pem", nil, "looks like DER but is not") {
            ("0\u{2}abc", $1)
        },
        Case("DER that is no key", .malformedKey, "key.pem", nil, "looks like DER but is not a private key") {
            certificate,
            _ in (certificate, "0\u{2}abc")
        },
        Case("rubbish in the base64", .malformedPEM, "cert.pem", 1, "line 3 in the CERTIFICATE block is not base64") {
            (replaceLine(3, of: $0, by: "!!! rubbish !!!"), $1)
        },
        Case("rubbish in the second block", .malformedPEM, "cert.pem", 2, "is not base64") {
            ($0 + replaceLine(2, of: $0, by: "%%%"), $1)
        },
        Case("rubbish in the key", .malformedPEM, "key.pem", 1, "line 2 in the PRIVATE KEY block is not base64") {
            ($0, replaceLine(2, of: $1, by: "MIGHsecret?"))
        },
        Case("cut base64", .malformedPEM, "cert.pem", 1, "cut short") {
            (replaceLine(2, of: $0, by: "MIIB" + "A"), $1)
        },
        Case("no END line", .malformedPEM, "cert.pem", 1, "has no END line") {
            (String($0.dropLast(27)), $1)
        },
        Case("another END line", .malformedPEM, "cert.pem", 1, "does not end what BEGIN CERTIFICATE began") {
            ($0.replacing("END CERTIFICATE", with: "END KEY"), $1)
        },
        Case("a BEGIN line within a block", .malformedPEM, "cert.pem", 1, "has no END line before line 3") {
            (replaceLine(3, of: $0, by: "-----BEGIN CERTIFICATE-----"), $1)
        },
        Case("a broken BEGIN line", .malformedPEM, "key.pem", 1, "not a well-formed BEGIN line") {
            ($0, $1.replacing("BEGIN PRIVATE KEY-----", with: "BEGIN PRIVATE KEY---"))
        },
        Case("an empty block", .malformedPEM, "cert.pem", 1, "is empty") {
            ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", $1)
        },
        Case("base64 that is no certificate", .malformedCertificate, "cert.pem", 2, "not an X.509 certificate") {
            ($0 + "-----BEGIN CERTIFICATE-----\nQUFBQQ==\n-----END CERTIFICATE-----\n", $1)
        },
        Case("base64 that is no key", .malformedKey, "key.pem", 1, "not a private key that can be read") {
            certificate,
            _ in (certificate, "-----BEGIN PRIVATE KEY-----\nQUFBQQ==\n-----END PRIVATE KEY-----\n")
        },
        Case("a key with another label", .malformedKey, "key.pem", 1, "RSA PRIVATE KEY block is not a private key") {
            ($0, $1.replacing("PRIVATE KEY", with: "RSA PRIVATE KEY"))
        },
        Case("a key of an unknown kind", .wrongBlockType, "key.pem", 1, "OPENSSH PRIVATE KEY block cannot be used") {
            ($0, $1.replacing("PRIVATE KEY", with: "OPENSSH PRIVATE KEY"))
        },
        Case("the files exchanged", .wrongBlockType, "key.pem", 1, "no PRIVATE KEY block in it, only CERTIFICATE") {
            ($1, $0)
        },
        Case("a key as certificate", .wrongBlockType, "cert.pem", 1, "no CERTIFICATE block in it, only PRIVATE KEY") {
            ($1, $1)
        },
        Case("two keys", .wrongBlockType, "key.pem", 2, "a second private key") { ($0, $1 + $1) },
        Case(
            "the key of another certificate",
            .keyMismatch,
            "key.pem",
            nil,
            "does not belong to the certificate in cert.pem (CN=node-a)"
        ) {
            certificate,
            _ in (certificate, text(try Authority().ca.issue(name: "node-z").keyPEM))
        },
        Case("an expired certificate", .expired, "cert.pem", 1, "certificate CN=old expired on 2001-09-09 01:46:40 UTC")
        {
            _,
            _ in
            let issued = try Authority().ca.issue(
                name: "old",
                notBefore: WallTime(secondsSince1970: 900_000_000),
                notAfter: WallTime(secondsSince1970: 1_000_000_000)
            )
            return (text(issued.certificatePEM), text(issued.keyPEM))
        },
        Case(
            "a certificate that is not yet valid",
            .notYetValid,
            "cert.pem",
            1,
            "certificate CN=new is not valid before 2100-01-01 00:00:00 UTC"
        ) { _, _ in
            let issued = try Authority().ca.issue(
                name: "new",
                notBefore: WallTime(secondsSince1970: 4_102_444_800),
                notAfter: WallTime(secondsSince1970: 4_200_000_000)
            )
            return (text(issued.certificatePEM), text(issued.keyPEM))
        },
    ]

    @Test(arguments: cases)
    func `the error says which file, which block and why`(bad: Case) throws {
        let issued = try Authority().ca.issue(name: "node-a")
        let texts = try bad.make(text(issued.certificatePEM), text(issued.keyPEM))
        let folder = try TemporaryFolder()
        try folder.write(texts.certificate, to: "cert.pem")
        try folder.write(texts.key, to: "key.pem")
        let fromFiles = #expect(throws: TLSError.self) {
            try Identity(certificateFile: "\(folder.path)/cert.pem", keyFile: "\(folder.path)/key.pem")
        }
        let fromBytes = #expect(throws: TLSError.self) {
            try Identity(
                certificatePEM: Bytes(utf8: texts.certificate),
                keyPEM: Bytes(utf8: texts.key),
                certificateSource: "cert.pem",
                keySource: "key.pem"
            )
        }
        let error = try #require(fromBytes)
        #expect(error.code == bad.code, "\(error)")
        #expect(error.file == bad.file, "\(error)")
        #expect(error.block == bad.block, "\(error)")
        #expect(error.message.contains(bad.message), "\(error)")
        #expect(!error.description.contains("secret"))
        #expect(fromFiles?.code == bad.code)
        #expect(fromFiles?.file == "\(folder.path)/\(bad.file)")
        #expect(fromFiles?.block == bad.block)
    }

    @Test func `a file that cannot be read is named`() throws {
        let folder = try TemporaryFolder()
        let missing = "\(folder.path)/none.pem"
        for (path, reason) in [(missing, "No such file"), (folder.path, "it is a folder")] {
            let fromIdentity = #expect(throws: TLSError.self) { try Identity(certificateFile: path, keyFile: path) }
            let fromTrust = #expect(throws: TLSError.self) { try Trust.roots(file: path) }
            for error in [fromIdentity, fromTrust] {
                #expect(error?.code == .unreadable)
                #expect(error?.file == path)
                #expect(error?.description.contains(reason) == true)
            }
        }
    }

    @Test func `line ends, a byte order mark and notes between blocks do no harm`() throws {
        let issued = try Authority().ca.issue(name: "node-a")
        let windows = "\u{feff}" + text(issued.certificatePEM).replacing("\n", with: "\r\n")
        let noted = "Bag Attributes: none\n\n" + text(issued.keyPEM).replacing("\n", with: "  \n")
        let identity = try Identity(
            certificatePEM: Bytes(utf8: windows),
            keyPEM: Bytes(utf8: String(noted.dropLast(3)))
        )
        #expect(identity.subject == "CN=node-a")
    }

    private static func replaceLine(_ number: Int, of text: String, by replacement: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        lines[number - 1] = replacement
        return lines.joined(separator: "\n")
    }
}

private func text(_ bytes: Bytes) -> String { String(decoding: bytes, as: UTF8.self) }
