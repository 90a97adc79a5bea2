public import NodeTransport

extension SigningKey {
    /// A key in PKCS#8, as PEM or DER: RFC 8410 section 7 for Ed25519, RFC 9881 section 6 for ML-DSA.
    ///
    /// Of an ML-DSA key the seed is used. An expanded key that stands beside it must belong to it; one without a seed is
    /// refused.
    ///
    /// - Parameters:
    ///   - contents: One private key, not encrypted; other PEM blocks are passed over.
    ///   - source: What errors call the contents.
    /// - Throws: ``SignatureError`` that names the source and the reason.
    public init(pkcs8 contents: Bytes, source: String = "signing key") throws(SignatureError) {
        self = try KeyText.parse(
            contents, as: OneAsymmetricKey.self, label: KeyText.privateKeyLabel, source: source
        ) { parsed in
            let key = try SigningKey(parsed.algorithm, seed: Bytes(parsed.seed))
            let publicBytes = key.publicKey.rawRepresentation
            if let publicKey = parsed.publicKey, !publicKey.elementsEqual(publicBytes) {
                throw SignatureError(.keyMismatch, "the public key in it does not belong to the private key")
            }
            // Both forms begin with the ρ that the seed gives (FIPS 204 algorithms 22 and 24).
            if let start = parsed.expandedKeyStart, !start.elementsEqual(publicBytes.prefix(start.count)) {
                throw SignatureError(.keyMismatch, "the expanded key in it does not belong to the seed")
            }
            return key
        }
    }

    /// The key in PKCS#8 as PEM, not encrypted; of ML-DSA the seed alone. It must stay secret.
    public var pkcs8PEM: Bytes {
        KeyText.pem(
            KeyText.privateKeyLabel, KeyText.der(OneAsymmetricKey(algorithm: algorithm, seed: Array(seed))))
    }
}
