public import NodeTransport

extension VerificationKey {
    /// A key as SubjectPublicKeyInfo, in PEM or DER.
    ///
    /// - Parameters:
    ///   - contents: One public key; other PEM blocks are passed over.
    ///   - source: What errors call the contents.
    /// - Throws: ``SignatureError`` that names the source and the reason.
    public init(spki contents: Bytes, source: String = "public key") throws(SignatureError) {
        self = try KeyText.parse(
            contents, as: SubjectPublicKeyInfo.self, label: KeyText.publicKeyLabel, source: source
        ) { try VerificationKey(rawRepresentation: Bytes($0.key)) }
    }

    /// The key as SubjectPublicKeyInfo in PEM.
    public var pem: Bytes { KeyText.pem(KeyText.publicKeyLabel, Array(der)) }

    /// The key as SubjectPublicKeyInfo in DER.
    public var der: Bytes {
        Bytes(KeyText.der(SubjectPublicKeyInfo(algorithm: algorithm, key: Array(rawRepresentation)[...])))
    }
}
