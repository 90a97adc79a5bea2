import NodeTransport
import Testing
import TransportTLS

/// PKCS#12 files that OpenSSL, Java and others wrote.
@Suite(.enabled(if: CryptographyVectors.areThere)) struct PKCS12VectorTests {
    struct Vector: Sendable {
        let file: String
        let passphrase: String?
        /// `nil` when an identity loads.
        let code: TLSError.Code?

        init(_ file: String, _ passphrase: String?, _ code: TLSError.Code? = nil) {
            self.file = file
            self.passphrase = passphrase
            self.code = code
        }
    }

    /// Every file, with and without names for the entries; `no-cert` has other certificates and no key.
    static let vectors: [Vector] =
        [
            Vector("cert-aes256cbc-no-key", "cryptography", .wrongBlockType),
            Vector("cert-key-aes256cbc", "cryptography"),
            Vector("cert-none-key-none", "cryptography"),
            Vector("cert-rc2-key-3des", "cryptography"),
            Vector("java-truststore", nil, .wrongBlockType),
            Vector("no-cert-key-aes256cbc", "cryptography", .wrongBlockType),
            Vector("no-password", nil),
        ]
        + ["name-1", "name-2", "name-3", "name-2-3", "name-all", "name-unicode", "no-name"].flatMap {
            [Vector("\($0)-no-pwd", nil), Vector("\($0)-pwd", "password")]
        }
        + ["name-2", "name-3", "name-all", "name-unicode", "no-name"].flatMap {
            [
                Vector("no-cert-\($0)-no-pwd", nil, .wrongBlockType),
                Vector("no-cert-\($0)-pwd", "password", .wrongBlockType),
            ]
        }

    /// 2020-01-26: within the validity of all of them.
    private static let now = WallTime(secondsSince1970: 1_580_000_000)

    @Test func `every file is in the table`() throws {
        let files = try CryptographyVectors.files(in: "pkcs12", endingIn: [".p12"])
        #expect(files == Self.vectors.map { "pkcs12/\($0.file).p12" }.sorted())
    }

    @Test(arguments: vectors)
    func `loads or is refused with its code`(vector: Vector) throws {
        let path = try CryptographyVectors.path("pkcs12/\(vector.file).p12")
        // No passphrase and an empty one are the same.
        for passphrase in vector.passphrase.map({ [$0] }) ?? [nil, ""] {
            let result = Result { () throws(TLSError) -> Identity in
                try Identity(pkcs12File: path, passphrase: passphrase, now: Self.now)
            }
            switch result {
            case .success(let identity):
                #expect(vector.code == nil)
                #expect(identity.subject == "CN=cryptography CA; C=US")
                let isWithOthers = vector.file.contains("name-")
                #expect(
                    identity.warnings.filter { $0.contains("not part of the chain") }.count == (isWithOthers ? 2 : 0))
            case .failure(let error):
                #expect(error.code == vector.code, "\(error)")
                #expect(error.file == path)
            }
        }
    }

    @Test(arguments: vectors)
    func `a wrong passphrase and none are told apart`(vector: Vector) throws {
        let contents = try CryptographyVectors.read("pkcs12/\(vector.file).p12")
        let wrong = #expect(throws: TLSError.self) { try Identity(pkcs12: contents, passphrase: "not it") }
        #expect(wrong?.code == .wrongPassphrase)
        #expect(wrong?.description.contains("not it") == false)
        guard vector.passphrase != nil else { return }
        let missing = #expect(throws: TLSError.self) { try Identity(pkcs12: contents) }
        #expect(missing?.code == .encryptedKey)
    }
}
