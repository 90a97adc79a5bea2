import Foundation
import NodeTransport
import Testing
import TransportTLS

/// What is wrong with the first certificate.
extension RefusalCase {
    static let leaves: [RefusalCase] = [validity, purposes, [signer], authorities, contents].flatMap { $0 }.flatMap {
        $0
    }

    private static let validity = [
        shown("an expired certificate", Fault(.expired, (0, "odd"), "expired on ", alert: .certificateExpired)) {
            forge, _ in [try forge.leaf { $0.expire() }]
        },
        shown(
            "a certificate that is not yet valid",
            Fault(.notYetValid, (0, "odd"), "not valid before ", alert: .badCertificate)
        ) { forge, _ in [try forge.leaf { $0.postpone() }] },
        shown(
            "a certificate that ends before it begins",
            Fault(.notYetValid, (0, "odd"), "not valid before ", alert: .badCertificate)
        ) { forge, _ in [try forge.leaf { ($0.notBefore, $0.notAfter) = ($0.notAfter, $0.notBefore) }] },
    ]

    private static func wrongPurpose(of side: Side) -> Fault {
        let text = side == .server ? "a server (extended key usage serverAuth)" : "a client (extended key usage "
        return Fault(.wrongPurpose, (0, "odd"), "its key usages do not allow \(text)", alert: .unsupportedCertificate)
    }

    private static let purposes =
        Side.allCases.flatMap { side in
            [
                shown("a certificate for the other side only", wrongPurpose(of: side), by: [side]) { forge, _ in
                    let other: ExtendedKeyUsage = side == .server ? .clientAuthentication : .serverAuthentication
                    return [try forge.leaf { $0.extendedKeyUsages = [other] }]
                },
                shown("a certificate for signing code", wrongPurpose(of: side), by: [side]) { forge, _ in
                    [try forge.leaf { $0.extendedKeyUsages = [.codeSigning] }]
                },
                shown("a certificate for any purpose, and none by name", wrongPurpose(of: side), by: [side]) {
                    forge, _ in
                    [try forge.leaf { $0.extendedKeyUsages = [.any] }]
                },
            ]
        }
        + [KeyUsage.keyEncipherment, .keyAgreement, .nonRepudiation].map { usage in
            shown(
                "a certificate whose key may do \(usage) only",
                Fault(
                    .wrongPurpose, (0, "odd"), "its key usage does not allow digital signatures",
                    alert: .unsupportedCertificate)
            ) { forge, _ in [try forge.leaf { $0.keyUsages = [usage] }] }
        }

    private static let signer = shown(
        "a certificate that is no authority's and may sign others",
        Fault(.invalidCertificate, (0, "odd"), "keyCertSign invalid for non-CA", alert: .certificateUnknown)
    ) { forge, _ in [try forge.leaf { $0.keyUsages = [.digitalSignature, .keyCertSign] }] }

    private static let authorityAsLeaf = Fault(
        .authorityAsLeaf, (0, "odd"), "an authority's certificate", alert: .unsupportedCertificate)

    private static let authorities = [
        shown("an authority's certificate", authorityAsLeaf) { forge, _ in [try forge.middle("odd")] },
        shown("an authority's certificate that allows all else", authorityAsLeaf) { forge, _ in
            [
                try forge.leaf {
                    $0.isAuthority = true
                    $0.keyUsages = [.digitalSignature, .keyCertSign]
                }
            ]
        },
        shown(
            "the trusted root itself",
            Fault(.authorityAsLeaf, (0, "Root CA"), "an authority's certificate", alert: .unsupportedCertificate)
        ) { forge, _ in [forge.root] },
    ]

    private static let malformed = Fault(
        .invalidCertificate, (0, "odd"), "has a malformed or repeated extension", alert: .badCertificate)

    private static let contents = [
        shown(
            "a certificate of version 1",
            Fault(.invalidCertificate, (0, "odd"), "is of version 1; 3 is required", alert: .badCertificate),
            isNameChecked: false
        ) { forge, _ in [try forge.leaf { $0.version = 1 }] },
        shown(
            "an unknown critical extension",
            Fault(
                .unknownCriticalExtension, (0, "odd"), "unhandled critical extension", alert: .certificateUnknown)
        ) { forge, _ in
            [try forge.leaf { $0.added = [CertificateExtension("1.2.3.4", isCritical: true, DER.null)] }]
        },
        shown("names that are rubbish", malformed) { forge, _ in
            [
                try forge.leaf {
                    $0.names = []
                    $0.added = [CertificateExtension("2.5.29.17", [0x30, 0x7f, 0x01])]
                }
            ]
        },
        shown("basic constraints that are rubbish", malformed) { forge, _ in
            [
                try forge.leaf {
                    $0.omitted = [.basicConstraints]
                    $0.added = [CertificateExtension("2.5.29.19", isCritical: true, [0xff, 0xff])]
                }
            ]
        },
        shown("two lists of names", malformed) { forge, _ in
            [try forge.leaf { $0.added = [.subjectAlternativeNames([.dns("other.example")])] }]
        },
        shown("the same unknown extension twice", malformed) { forge, _ in
            let unknown = CertificateExtension("1.2.3.4", DER.null)
            return [try forge.leaf { $0.added = [unknown, unknown] }]
        },
        shown(
            "no identifier of the issuer's key",
            Fault(
                .invalidCertificate, (0, "odd"), "Missing Authority Key Identifier", alert: .certificateUnknown)
        ) { forge, _ in
            [try forge.leaf { $0.omitted = [.authorityKeyIdentifier] }]
        },
        shown(
            "a certificate whose key another has",
            Fault(.badSignature, saying: "has not the key of its certificate", alert: .decryptError)
        ) { forge, _ in [try forge.leaf().withKey(of: forge.leaf())] },
    ]
}

extension KeyedCertificate {
    /// This certificate with the private number of another's key (both on P-256).
    ///
    /// The public half in the key stays, so that nobody notices before the peer checks a signature.
    fileprivate func withKey(of other: KeyedCertificate) throws -> KeyedCertificate {
        let (own, foreign) = (try Self.pkcs8(keyPEM()), try Self.pkcs8(other.keyPEM()))
        // INTEGER 1, then the number: OCTET STRING of 32 bytes.
        let mark: [UInt8] = [0x02, 0x01, 0x01, 0x04, 0x20]
        let place = try #require((0..<own.count - 40).first { own[$0..<$0 + 5].elementsEqual(mark) }) + 5
        let key = own[..<place] + foreign[place..<place + 32] + own[(place + 32)...]
        return try replacingKey(pkcs8: Array(key))
    }

    private static func pkcs8(_ pem: Bytes) throws -> [UInt8] {
        let lines = String(decoding: pem, as: UTF8.self).split(whereSeparator: \.isNewline)
        return Array(try #require(Data(base64Encoded: lines.dropFirst().dropLast().joined())))
    }
}
