import NodeTransport
import Testing

@testable import TransportTLS

/// Keys that other programs wrote, good and bad.
@Suite(.enabled(if: CryptographyVectors.areThere)) struct KeyVectorTests {
    struct Vector: Sendable {
        let file: String
        let passphrase: String?
        /// `nil` when the key loads.
        let code: TLSError.Code?

        init(_ file: String, _ passphrase: String?, _ code: TLSError.Code?) {
            self.file = file
            self.passphrase = passphrase
            self.code = code
        }
    }

    /// Every key file of the vectors. Some loads are more lenient than the file's name suggests: OpenSSL passes
    /// over wrong version numbers and over a second, different curve, and the key proves good in a signature.
    static let vectors = [
        // MARK: DER_Serialization
        Vector("DER_Serialization/dsa.1024.der", nil, .unsupportedKey),
        Vector("DER_Serialization/dsa.2048.der", nil, .unsupportedKey),
        Vector("DER_Serialization/dsa.3072.der", nil, .unsupportedKey),
        Vector("DER_Serialization/dsa_public_key.der", nil, .wrongBlockType),
        Vector("DER_Serialization/dsa_public_key_invalid_bit_string.der", nil, .wrongBlockType),
        Vector("DER_Serialization/dsa_public_key_no_params.der", nil, .wrongBlockType),
        Vector("DER_Serialization/ec_private_key.der", nil, nil),
        Vector("DER_Serialization/ec_private_key_encrypted.der", "123456", nil),
        Vector("DER_Serialization/ec_public_key.der", nil, .wrongBlockType),
        Vector("DER_Serialization/enc-rsa-pkcs8.der", "foobar", .unsupportedKey),
        Vector("DER_Serialization/enc2-rsa-pkcs8.der", "baz", .unsupportedKey),
        Vector("DER_Serialization/rsa_public_key.der", nil, .wrongBlockType),
        Vector("DER_Serialization/testrsa.der", nil, nil),
        Vector("DER_Serialization/unenc-dsa-pkcs8.der", nil, .unsupportedKey),
        Vector("DER_Serialization/unenc-dsa-pkcs8.pub.der", nil, .wrongBlockType),
        Vector("DER_Serialization/unenc-rsa-pkcs8.der", nil, .unsupportedKey),
        Vector("DER_Serialization/unenc-rsa-pkcs8.pub.der", nil, .wrongBlockType),
        // MARK: PEM_Serialization
        Vector("PEM_Serialization/dsa_4096.pem", nil, .unsupportedKey),
        Vector("PEM_Serialization/dsa_private_key.pem", nil, .unsupportedKey),
        Vector("PEM_Serialization/dsa_public_key.pem", nil, .wrongBlockType),
        Vector("PEM_Serialization/dsaparam.pem", nil, .wrongBlockType),
        Vector("PEM_Serialization/ec_private_key.pem", nil, nil),
        Vector("PEM_Serialization/ec_private_key_encrypted.pem", "123456", nil),
        Vector("PEM_Serialization/ec_public_key.pem", nil, .wrongBlockType),
        Vector("PEM_Serialization/ec_public_key_rsa_delimiter.pem", nil, .wrongBlockType),
        Vector("PEM_Serialization/rsa-bad-1025-q-is-2.pem", nil, .unsupportedKey),
        Vector("PEM_Serialization/rsa_private_key.pem", "123456", nil),
        Vector("PEM_Serialization/rsa_public_key.pem", nil, .wrongBlockType),
        Vector("PEM_Serialization/rsa_wrong_delimiter_public_key.pem", nil, .wrongBlockType),
        // MARK: PKCS8
        Vector("PKCS8/bad-encryption-oid.pem", "any", .unsupportedCipher),
        Vector("PKCS8/bad-oid-dsa-key.pem", nil, .unsupportedKey),
        Vector("PKCS8/ec-consistent-curve.pem", nil, nil),
        Vector("PKCS8/ec-inconsistent-curve.pem", nil, .malformedKey),
        Vector("PKCS8/ec-inconsistent-curve2.pem", nil, nil),
        Vector("PKCS8/ec-invalid-private-scalar.pem", nil, .malformedKey),
        Vector("PKCS8/ec-invalid-version.pem", nil, nil),
        Vector("PKCS8/ec_oid_not_in_reg_private_2.pkcs8.pem", nil, .unsupportedKey),
        Vector("PKCS8/ec_private_key.pem", nil, nil),
        Vector("PKCS8/ec_private_key_encrypted.pem", "123456", nil),
        Vector("PKCS8/ecc_private_with_rfc5915_ext.pem", nil, nil),
        Vector("PKCS8/ed25519-scrypt.pem", "hunter42", nil),
        Vector("PKCS8/enc-ec-sha1-128-rc4.pem", "password", nil),
        Vector("PKCS8/enc-rsa-3des.pem", "password", nil),
        Vector("PKCS8/enc-rsa-pkcs8-pbkdf2-0iter.pem", "any", .malformedKey),
        Vector("PKCS8/enc-rsa-pkcs8.pem", "foobar", .unsupportedKey),
        Vector("PKCS8/enc-unknown-algorithm.pem", "any", .unsupportedCipher),
        Vector("PKCS8/enc-unknown-kdf.pem", "any", .unsupportedCipher),
        Vector("PKCS8/enc-unknown-pbkdf2-prf.pem", "any", .unsupportedCipher),
        Vector("PKCS8/enc2-rsa-pkcs8.pem", "baz", .unsupportedKey),
        Vector("PKCS8/invalid-version.der", nil, nil),
        Vector("PKCS8/nodompar_private.pkcs8.pem", nil, .unsupportedKey),
        Vector("PKCS8/pkcs12_s2k_pem-X_9607.pem", "123456", .unsupportedKey),
        Vector("PKCS8/pkcs12_s2k_pem-X_9671.pem", "123456", .unsupportedKey),
        Vector("PKCS8/pkcs12_s2k_pem-X_9925.pem", "123456", .unsupportedKey),
        Vector("PKCS8/pkcs12_s2k_pem-X_9926.pem", "123456", .unsupportedKey),
        Vector("PKCS8/pkcs12_s2k_pem-X_9927.pem", "123456", .unsupportedKey),
        Vector("PKCS8/pkcs12_s2k_pem-X_9928.pem", "123456", .unsupportedKey),
        Vector("PKCS8/pkcs12_s2k_pem-X_9929.pem", "123456", .unsupportedKey),
        Vector("PKCS8/pkcs12_s2k_pem-X_9930.pem", "123456", .unsupportedKey),
        Vector("PKCS8/pkcs12_s2k_pem-X_9931.pem", "123456", .unsupportedKey),
        Vector("PKCS8/pkcs12_s2k_pem-X_9932.pem", "123456", .unsupportedKey),
        Vector("PKCS8/private.pem", nil, .unsupportedKey),
        Vector("PKCS8/rsa-40bitrc2.pem", "baz", .unsupportedKey),
        Vector("PKCS8/rsa-aes-192-cbc.pem", "PolarSSLTest", nil),
        Vector("PKCS8/rsa-pbe-3des-long-salt.pem", "password", nil),
        Vector("PKCS8/rsa-pbewithmd5anddescbc.pem", "hunter2", nil),
        Vector("PKCS8/rsa-rc2-cbc-effective-key-length.pem", "any", .unsupportedCipher),
        Vector("PKCS8/rsa-rc2-cbc.pem", "Red Hat Enterprise Linux 7.4", nil),
        Vector("PKCS8/rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha224.pem", "PolarSSLTest", nil),
        Vector("PKCS8/rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha384.pem", "PolarSSLTest", nil),
        Vector("PKCS8/rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha512.pem", "PolarSSLTest", nil),
        Vector("PKCS8/rsa_pss_2048.pem", nil, nil),
        Vector("PKCS8/rsa_pss_2048_hash.pem", nil, .unsupportedKey),
        Vector("PKCS8/rsa_pss_2048_hash_mask.pem", nil, nil),
        Vector("PKCS8/rsa_pss_2048_hash_mask_diff.pem", nil, .unsupportedKey),
        Vector("PKCS8/rsa_pss_2048_hash_mask_salt.pem", nil, nil),
        Vector("PKCS8/rsa_pss_2048_pub.der", nil, .wrongBlockType),
        Vector("PKCS8/unenc-dsa-pkcs8.pem", nil, .unsupportedKey),
        Vector("PKCS8/unenc-dsa-pkcs8.pub.pem", nil, .wrongBlockType),
        Vector("PKCS8/unenc-rsa-pkcs8.pem", nil, .unsupportedKey),
        Vector("PKCS8/unenc-rsa-pkcs8.pub.pem", nil, .wrongBlockType),
        Vector("PKCS8/unknown-oid.der", nil, .unsupportedKey),
        Vector("PKCS8/withdompar_private.pkcs8.pem", nil, .malformedKey),
        Vector("PKCS8/wrong-pem-delimiter-rsa.pem", nil, nil),
        // MARK: Traditional_OpenSSL_Serialization
        Vector("Traditional_OpenSSL_Serialization/dsa-wrong-version.pem", nil, .unsupportedKey),
        Vector("Traditional_OpenSSL_Serialization/dsa.1024.pem", nil, .unsupportedKey),
        Vector("Traditional_OpenSSL_Serialization/dsa.2048.pem", nil, .unsupportedKey),
        Vector("Traditional_OpenSSL_Serialization/dsa.3072.pem", nil, .unsupportedKey),
        Vector("Traditional_OpenSSL_Serialization/key1-malformed-dek-info.pem", "any", .unsupportedCipher),
        Vector("Traditional_OpenSSL_Serialization/key1-malformed-iv.pem", "any", .malformedKey),
        Vector("Traditional_OpenSSL_Serialization/key1-no-dek-info.pem", "any", .malformedKey),
        Vector("Traditional_OpenSSL_Serialization/key1-short-iv.pem", "any", .malformedKey),
        Vector("Traditional_OpenSSL_Serialization/key1.pem", "123456", nil),
        Vector("Traditional_OpenSSL_Serialization/key2.pem", "a123456", nil),
        Vector("Traditional_OpenSSL_Serialization/rsa-wrong-version.pem", nil, nil),
        Vector("Traditional_OpenSSL_Serialization/testrsa-encrypted.pem", "password", nil),
        Vector("Traditional_OpenSSL_Serialization/testrsa.pem", nil, nil),
    ]

    private static let folders = Set(vectors.compactMap { $0.file.split(separator: "/").first.map(String.init) })

    @Test func `every file is in the table`() throws {
        var files: [String] = []
        for folder in Self.folders {
            files += try CryptographyVectors.files(in: "asymmetric/\(folder)", endingIn: [".pem", ".der"])
        }
        #expect(files.sorted() == Self.vectors.map { "asymmetric/\($0.file)" }.sorted())
    }

    @Test(arguments: vectors)
    func `a key loads or is refused with its code`(vector: Vector) throws {
        let contents = try CryptographyVectors.read("asymmetric/\(vector.file)")
        let result = Result { () throws(TLSError) -> PrivateKey in
            try KeyLoader.load(contents, file: vector.file, passphrase: vector.passphrase)
        }
        switch result {
        case .success: #expect(vector.code == nil)
        case .failure(let error):
            #expect(error.code == vector.code, "\(error)")
            #expect(error.file == vector.file)
            if let passphrase = vector.passphrase { #expect(!error.message.contains(passphrase)) }
        }
    }

    @Test(arguments: vectors.filter { $0.passphrase != nil && $0.code == nil })
    func `an encrypted key asks for its passphrase`(vector: Vector) throws {
        let contents = try CryptographyVectors.read("asymmetric/\(vector.file)")
        for (passphrase, code) in [(nil, .encryptedKey), ("not it", .wrongPassphrase)] as [(String?, TLSError.Code)] {
            let error = #expect(throws: TLSError.self) {
                _ = try KeyLoader.load(contents, file: vector.file, passphrase: passphrase)
            }
            #expect(error?.code == code, "\(String(describing: error))")
        }
    }
}
