import NodeTransport
import Testing

@testable import TransportTLS

/// No error and no printed identity shows a passphrase or a part of a key.
@Suite struct IdentitySecrecyTests {
    private static let passphrase = "open-sesame-4711"

    /// The private bytes of the key in the forms in which they might be shown.
    private func secrets(_ folder: TemporaryFolder) throws -> [String] {
        try folder.openssl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out secret.der")
        let der = Array(try folder.readBytes("secret.der"))
        // The 32 bytes of the scalar follow their OCTET STRING header in the middle of the structure.
        let start = try #require(der.indices.first { der[$0...].starts(with: [0x02, 0x01, 0x01, 0x04, 0x20]) }) + 5
        let scalar = der[start..<start + 32]
        let hex = scalar.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        var secrets = [Self.passphrase, hex.prefix(16).description, hex.uppercased().prefix(16).description]
        secrets.append("\(scalar.prefix(4))")
        for name in ["key.pem", "encrypted.pem", "headed.pem"] {
            let lines = try folder.read(name).split(separator: "\n")
            secrets += lines.filter { !$0.contains("-") && !$0.contains(":") && $0.count > 15 }.map {
                String($0.prefix(16))
            }
        }
        return secrets
    }

    @Test func `nothing secret is shown by any failure or by the identity`() throws {
        let folder = try TemporaryFolder()
        try folder.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem")
        try folder.makeCertificate()
        try folder.openssl("pkcs8 -topk8 -in key.pem -passout pass:\(Self.passphrase) -out encrypted.pem")
        try folder.openssl("ec -aes128 -in key.pem -passout pass:\(Self.passphrase) -out headed.pem")
        try folder.exportPKCS12("-inkey key.pem -in cert.pem", passphrase: Self.passphrase)
        let secrets = try secrets(folder)
        #expect(secrets.count > 8)

        let certificate = try folder.readBytes("cert.pem")
        let other = try Authority().ca.issue(name: "node-z").certificatePEM
        let expired = WallTime.now.adding(days: 99)
        var shown: [String] = []
        func collect(_ make: () throws(TLSError) -> Identity) {
            let result = Result(catching: make)
            var dumped = ""
            dump(result, to: &dumped)
            shown.append(dumped)
            switch result {
            case .success(let identity):
                shown += [
                    "\(identity)", String(reflecting: identity), "\(identity.key)", String(reflecting: identity.key),
                ]
            case .failure(let error):
                shown += ["\(error)", String(reflecting: error), error.message]
            }
        }
        for name in ["key.pem", "secret.der", "encrypted.pem", "headed.pem", "id.p12"] {
            let key = try folder.readBytes(name)
            // Whole, cut at many places, with a flaw at many places.
            var variants = [key]
            for index in stride(from: 1, to: key.count, by: max(1, key.count / 37)) {
                variants.append(key.slice(0..<index))
                var flawed = Array(key)
                flawed[index] ^= 0x41
                variants.append(Bytes(flawed))
            }
            for variant in variants {
                for passphrase in [nil, Self.passphrase] {
                    for certificate in [certificate, other, key] {
                        collect { () throws(TLSError) in
                            try Identity(certificates: certificate, key: variant, passphrase: passphrase)
                        }
                    }
                    collect { () throws(TLSError) in try Identity(pkcs12: variant, passphrase: passphrase) }
                }
            }
            collect { () throws(TLSError) in
                try Identity(certificates: certificate, key: key, passphrase: Self.passphrase, now: expired)
            }
        }
        #expect(shown.count > 1000)
        for secret in secrets {
            #expect(!shown.contains { $0.contains(secret) }, "something secret is shown")
        }
    }
}
