internal import SwiftASN1

/// A private key as PKCS#8 has it (OneAsymmetricKey, RFC 5958 section 2).
struct OneAsymmetricKey {
    let algorithm: SignatureAlgorithm
    let seed: ArraySlice<UInt8>
    /// The first 32 bytes of the expanded key, where the file has one: the ρ that is also in the public key.
    let expandedKeyStart: ArraySlice<UInt8>?
    let publicKey: ArraySlice<UInt8>?

    init(algorithm: SignatureAlgorithm, seed: [UInt8]) {
        self.algorithm = algorithm
        self.seed = seed[...]
        expandedKeyStart = nil
        publicKey = nil
    }
}

extension OneAsymmetricKey: DERImplicitlyTaggable {
    static var defaultIdentifier: ASN1Identifier { .sequence }

    private static var publicKeyTag: ASN1Identifier { ASN1Identifier(tagWithNumber: 1, tagClass: .contextSpecific) }

    init(derEncoded node: ASN1Node, withIdentifier identifier: ASN1Identifier) throws {
        self = try DER.sequence(node, identifier: identifier) { nodes in
            let version = try Int(derEncoded: &nodes)
            let algorithm = try AlgorithmIdentifier(derEncoded: &nodes).algorithm
            let content = try ASN1OctetString(derEncoded: &nodes).bytes
            // Attributes say nothing that is of use here.
            DER.optionalImplicitlyTagged(&nodes, tagNumber: 0, tagClass: .contextSpecific) { _ in }
            let publicKey: ASN1BitString? = try DER.optionalImplicitlyTagged(&nodes, tag: Self.publicKeyTag)
            guard version == 0 || version == 1 else {
                throw SignatureError(.malformedKey, "is PKCS#8 of a version that is not known")
            }
            guard publicKey.map({ $0.paddingBits == 0 }) ?? true else {
                throw SignatureError(.malformedKey, "has a public key that is not whole bytes")
            }
            let parts = try PrivateKeyContent(content, algorithm)
            return OneAsymmetricKey(
                algorithm: algorithm, seed: parts.seed, expandedKeyStart: parts.expandedKeyStart,
                publicKey: publicKey?.bytes)
        }
    }

    /// The memberwise initializer.
    private init(
        algorithm: SignatureAlgorithm, seed: ArraySlice<UInt8>, expandedKeyStart: ArraySlice<UInt8>?,
        publicKey: ArraySlice<UInt8>?
    ) {
        self.algorithm = algorithm
        self.seed = seed
        self.expandedKeyStart = expandedKeyStart
        self.publicKey = publicKey
    }

    /// Version 1 with the seed alone: what every reader knows.
    func serialize(into coder: inout DER.Serializer, withIdentifier identifier: ASN1Identifier) throws {
        var content = DER.Serializer()
        switch algorithm.scheme {
        case .ed25519: try content.serialize(ASN1OctetString(contentBytes: seed))
        case .mlDSA65, .mlDSA87:
            try ASN1OctetString(contentBytes: seed).serialize(into: &content, withIdentifier: PrivateKeyContent.seedTag)
        }
        try coder.appendConstructedNode(identifier: identifier) { coder in
            try coder.serialize(0)
            try coder.serialize(AlgorithmIdentifier(algorithm))
            try coder.serialize(ASN1OctetString(contentBytes: content.serializedBytes[...]))
        }
    }
}

/// What stands in the `privateKey` field of PKCS#8: another encoding for each algorithm.
struct PrivateKeyContent {
    let seed: ArraySlice<UInt8>
    let expandedKeyStart: ArraySlice<UInt8>?

    static var seedTag: ASN1Identifier { ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific) }

    init(_ content: ArraySlice<UInt8>, _ algorithm: SignatureAlgorithm) throws {
        let node = try DER.parse(content)
        guard let expandedKeyByteCount = algorithm.expandedKeyByteCount else {
            // CurvePrivateKey of RFC 8410 section 7.
            seed = try ASN1OctetString(derEncoded: node).bytes
            expandedKeyStart = nil
            try checkSeed(algorithm)
            return
        }
        // The CHOICE of RFC 9881 section 6: seed, expandedKey or both.
        switch node.identifier {
        case Self.seedTag:
            seed = try ASN1OctetString(derEncoded: node, withIdentifier: Self.seedTag).bytes
            expandedKeyStart = nil
        case .sequence:
            let (seed, expandedKey) = try DER.sequence(node, identifier: .sequence) { nodes in
                (try ASN1OctetString(derEncoded: &nodes).bytes, try ASN1OctetString(derEncoded: &nodes).bytes)
            }
            guard expandedKey.count == expandedKeyByteCount else {
                throw SignatureError(
                    .malformedKey,
                    "has an expanded key of \(expandedKey.count) bytes, \(algorithm) has \(expandedKeyByteCount)")
            }
            self.seed = seed
            expandedKeyStart = expandedKey.prefix(32)
        case .octetString:
            throw SignatureError(
                .expandedKeyOnly,
                "holds an \(algorithm) key in its expanded form alone, which cannot be used: the seed is needed")
        default:
            throw SignatureError(.malformedKey, "is not an \(algorithm) private key")
        }
        try checkSeed(algorithm)
    }

    private func checkSeed(_ algorithm: SignatureAlgorithm) throws {
        guard seed.count == algorithm.seedByteCount else {
            throw SignatureError(
                .malformedKey, "has a seed of \(seed.count) bytes, \(algorithm) has \(algorithm.seedByteCount)")
        }
    }
}
