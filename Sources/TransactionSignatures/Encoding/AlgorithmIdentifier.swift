internal import SwiftASN1

/// Which algorithm a key is for, as ASN.1 says it (RFC 5280 section 4.1.1.2).
///
/// None of our algorithms has parameters, and the field must be absent (RFC 8410 section 3, RFC 9881 section 2).
struct AlgorithmIdentifier {
    let algorithm: SignatureAlgorithm

    init(_ algorithm: SignatureAlgorithm) { self.algorithm = algorithm }
}

extension AlgorithmIdentifier: DERImplicitlyTaggable {
    static var defaultIdentifier: ASN1Identifier { .sequence }

    init(derEncoded node: ASN1Node, withIdentifier identifier: ASN1Identifier) throws {
        self = try DER.sequence(node, identifier: identifier) { nodes in
            let text = try ASN1ObjectIdentifier(derEncoded: &nodes).description
            guard let algorithm = SignatureAlgorithm.all.first(where: { $0.objectIdentifier == text }) else {
                // Other algorithms have parameters; the error is to be about the algorithm.
                while nodes.next() != nil {}
                let names = SignatureAlgorithm.all.map(\.name).joined(separator: ", ")
                throw SignatureError(
                    .unsupportedAlgorithm, "is a key for the algorithm \(text); those that can be used are \(names)")
            }
            guard nodes.next() == nil else {
                throw SignatureError(.malformedKey, "has parameters for \(algorithm), which has none")
            }
            return AlgorithmIdentifier(algorithm)
        }
    }

    func serialize(into coder: inout DER.Serializer, withIdentifier identifier: ASN1Identifier) throws {
        try coder.appendConstructedNode(identifier: identifier) { coder in
            try coder.serialize(ASN1ObjectIdentifier(dotRepresentation: algorithm.objectIdentifier))
        }
    }
}
