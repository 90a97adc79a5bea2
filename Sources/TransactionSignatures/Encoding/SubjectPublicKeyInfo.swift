internal import SwiftASN1

/// A public key with its algorithm (SubjectPublicKeyInfo, RFC 5280 section 4.1).
struct SubjectPublicKeyInfo {
    let algorithm: SignatureAlgorithm
    let key: ArraySlice<UInt8>
}

extension SubjectPublicKeyInfo: DERImplicitlyTaggable {
    static var defaultIdentifier: ASN1Identifier { .sequence }

    init(derEncoded node: ASN1Node, withIdentifier identifier: ASN1Identifier) throws {
        self = try DER.sequence(node, identifier: identifier) { nodes in
            let algorithm = try AlgorithmIdentifier(derEncoded: &nodes).algorithm
            let bits = try ASN1BitString(derEncoded: &nodes)
            guard bits.paddingBits == 0, bits.bytes.count == algorithm.publicKeyByteCount else {
                throw SignatureError(
                    .malformedKey,
                    "has a public key of \(bits.bytes.count) bytes, \(algorithm) has \(algorithm.publicKeyByteCount)")
            }
            return SubjectPublicKeyInfo(algorithm: algorithm, key: bits.bytes)
        }
    }

    func serialize(into coder: inout DER.Serializer, withIdentifier identifier: ASN1Identifier) throws {
        try coder.appendConstructedNode(identifier: identifier) { coder in
            try coder.serialize(AlgorithmIdentifier(algorithm))
            try coder.serialize(ASN1BitString(bytes: key))
        }
    }
}
