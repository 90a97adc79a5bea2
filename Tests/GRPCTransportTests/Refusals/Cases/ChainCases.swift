import NodeTransport
import TransportTLS

/// What is wrong behind the first certificate.
extension RefusalCase {
    static let chains: [RefusalCase] = [strangers, middles, unsuitable, shapes].flatMap { $0 }.flatMap { $0 }

    private static let notTrusted = Fault(
        .untrustedIssuer, (0, "odd"), "issued by an authority that is not trusted", alert: .unknownCA)

    private static let strangers = [
        shown("a certificate of another authority", notTrusted) { forge, _ in
            [try forge.leaf(of: Forge.authority("Other CA"))]
        },
        shown(
            "a certificate of another authority, with that authority",
            Fault(
                .untrustedIssuer, (1, "Other CA"), "self-signed certificate in certificate chain", alert: .unknownCA)
        ) { forge, _ in
            let other = try Forge.authority("Other CA")
            return [try forge.leaf(of: other), other]
        },
        shown("a certificate of an authority with the root's name", notTrusted) { forge, _ in
            [try forge.leaf(of: Forge.authority("Root CA"))]
        },
        shown(
            "a certificate of an authority with the root's name and identifier",
            Fault(.badSignature, (0, "odd"), "signature", alert: .decryptError)
        ) { forge, _ in [try forge.leaf(of: Forge.authority("Root CA").replacingDER(forge.root.der))] },
        shown("a certificate that names another issuer than its own", notTrusted) { forge, _ in
            [try forge.leaf { $0.issuerCommonName = "Nobody" }]
        },
        shown(
            "a certificate that signs itself",
            Fault(.selfSigned, (0, "odd"), "it is signed by itself and not trusted", alert: .unknownCA)
        ) { _, _ in [try Forge.leaf("odd", issuer: nil)] },
        shown(
            "a certificate that signs itself under the root's name",
            Fault(.selfSigned, (0, "Root CA"), "it is signed by itself and not trusted", alert: .unknownCA)
        ) { _, _ in [try Forge.leaf("Root CA", issuer: nil)] },
        shown(
            "a certificate of an expired root",
            Fault(.expired, (1, "Old CA"), "expired on ", alert: .certificateExpired),
            trusting: { _ in [try expiredRoot.get()] }
        ) { forge, _ in [try forge.leaf(of: expiredRoot.get())] },
    ]

    private static let expiredRoot = Result { try Forge.authority("Old CA") { $0.expire() } }

    /// A chain whose middle is changed.
    private static func middle(
        _ what: String, _ fault: Fault, isIdentified: Bool = true,
        _ change: @escaping @Sendable (inout CertificateTemplate) -> Void
    ) -> [RefusalCase] {
        shown(what, fault) { forge, _ in
            let middle = try forge.middle { change(&$0) }
            guard !isIdentified else { return [try forge.leaf(of: middle), middle] }
            let leaf = try forge.leaf(of: middle) {
                // The identifier that the issuer lacks cannot be copied from there.
                $0.omitted = [.authorityKeyIdentifier]
                $0.added = [.someAuthorityKeyIdentifier]
            }
            return [leaf, middle]
        }
    }

    private static let middles = [
        shown("a certificate without the authority between", notTrusted) { forge, _ in
            [try forge.leaf(of: forge.middle())]
        },
        middle(
            "an authority that has expired",
            Fault(.expired, (1, "Middle CA"), "expired on ", alert: .certificateExpired)
        ) { $0.expire() },
        middle(
            "an authority that is not yet valid",
            Fault(.notYetValid, (1, "Middle CA"), "not valid before ", alert: .badCertificate)
        ) { $0.postpone() },
        middle(
            "an authority of version 1",
            Fault(.invalidAuthority, (1, "Middle CA"), "it is no authority's certificate", alert: .unknownCA),
            isIdentified: false
        ) { $0.version = 1 },
        middle(
            "an authority with an unknown critical extension",
            Fault(
                .unknownCriticalExtension, (1, "Middle CA"), "unhandled critical extension", alert: .certificateUnknown)
        ) { $0.added = [CertificateExtension("1.2.3.4", isCritical: true, DER.null)] },
        shown(
            "an authority with a changed signature",
            Fault(.badSignature, (1, "Middle CA"), "signature", alert: .decryptError)
        ) { forge, _ in
            let middle = try forge.middle()
            return [try forge.leaf(of: middle), middle.corrupted()]
        },
        shown(
            "a certificate with a changed signature",
            Fault(.badSignature, (0, "odd"), "signature", alert: .decryptError)
        ) { forge, _ in [try forge.leaf().corrupted()] },
    ]

    private static func invalidAuthority(_ reason: String, alert: TLSAlert = .unknownCA) -> Fault {
        Fault(.invalidAuthority, (1, "Middle CA"), reason, alert: alert)
    }

    private static let unsuitable = [
        middle("an authority that says it is none", invalidAuthority("it is no authority's certificate")) {
            $0.omitted = [.basicConstraints]
            $0.added = [.basicConstraints(isAuthority: false)]
        },
        middle("an authority that does not say that it is one", invalidAuthority("it is no authority's certificate")) {
            $0.omitted = [.basicConstraints]
        },
        middle("an authority that may not sign certificates", invalidAuthority("its key usage does not allow it")) {
            $0.keyUsages = [.digitalSignature, .crlSign]
        },
        middle("an authority without key usage", invalidAuthority("key usage extension", alert: .certificateUnknown)) {
            $0.omitted = [.keyUsage]
        },
        middle(
            "an authority that is not critically one",
            invalidAuthority("not marked critical", alert: .certificateUnknown)
        ) {
            $0.omitted = [.basicConstraints]
            $0.added = [.basicConstraints(isAuthority: true, isCritical: false)]
        },
        middle(
            "an authority without identifier of its key",
            Fault(
                .invalidCertificate, (1, "Middle CA"), "Missing Subject Key Identifier", alert: .certificateUnknown),
            isIdentified: false
        ) { $0.omitted = [.subjectKeyIdentifier] },
        middle(
            "an authority for code only",
            Fault(.wrongPurpose, (1, "Middle CA"), "certificate purpose", alert: .unsupportedCertificate)
        ) { $0.extendedKeyUsages = [.codeSigning] },
        shown(
            "a leaf that issued the certificate",
            Fault(.invalidAuthority, (1, "leaf"), "it is no authority's certificate", alert: .unknownCA)
        ) {
            forge, _ in
            let leaf = try Forge.leaf("leaf", issuer: forge.root)
            return [try forge.leaf(of: leaf), leaf]
        },
        shown(
            "one authority more than the path length allows",
            Fault(.invalidAuthority, (2, "Middle CA"), "path length", alert: .unknownCA)
        ) { forge, _ in
            let first = try forge.middle { $0.pathLength = 0 }
            let second = try forge.middle("Lower CA", of: first)
            return [try forge.leaf(of: second), second, first]
        },
    ]

    private static let shapes = [
        shown(
            "eleven certificates",
            Fault(.invalidCertificate, saying: "the peer sent 11 certificates", alert: .unknownCA)
        ) { forge, _ in
            var line: [KeyedCertificate] = []
            for depth in 0..<10 { line.insert(try forge.middle("CA \(depth)", of: line.first), at: 0) }
            return [try forge.leaf(of: line[0])] + line
        },
        shown(
            "authorities that issued each other",
            Fault(.untrustedIssuer, (2, "First CA"), "issued by an authority that is not trusted", alert: .unknownCA)
        ) { forge, _ in
            let start = try Forge.authority("First CA")
            let second = try forge.middle("Second CA", of: start)
            let first = try forge.middle("First CA", of: second, keyOf: start)
            return [try forge.leaf(of: second), second, first]
        },
    ]
}
