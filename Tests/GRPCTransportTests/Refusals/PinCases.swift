import GRPCTransport
import NodeTransport
import TransportTLS

/// Chains that are sound and yet refused, because the peer is not one of those that were named, or is struck off.
extension RefusalCase {
    static let pins: [RefusalCase] = [besideRoots, alone, struckOff].flatMap { $0 }.flatMap { $0 }

    /// A chain judged by a trust that is made for it.
    private static func pinned(
        _ what: String, _ fault: Fault, _ trust: @escaping @Sendable (Forge, [KeyedCertificate]) throws -> Trust,
        revoking revoked: @escaping @Sendable ([KeyedCertificate]) throws -> Set<Pin> = { _ in [] },
        _ chain: @escaping @Sendable (Forge) throws -> [KeyedCertificate]
    ) -> [RefusalCase] {
        Side.allCases.map { side in
            // Both peers have to speak of the same certificates.
            let made = Result { try chain(Forge.shared) }
            let bad: Security = { forge in
                let chain = try made.get()
                return forge.bad(try chain[0].unchecked(Array(chain.dropFirst())))
            }
            let judge: Security = { forge in
                let chain = try made.get()
                let credentials = Credentials(identity: forge.node, trust: try trust(forge, chain))
                try credentials.revoke(revoked(chain))
                return .mutualTLS(credentials)
            }
            return RefusalCase(
                testDescription: "the \(side) shows \(what)", refuser: side == .server ? .client : .server,
                code: fault.code, texts: fault.texts, alert: fault.alert, client: side == .client ? bad : judge,
                server: side == .server ? bad : judge, goodClient: nil, isJudgeNeutral: false)
        }
    }

    private static let notPinned = Fault(
        .pinMismatch, (0, "odd"), "neither it nor an issuer of its 1 is pinned (cert:", alert: .badCertificate)

    private static func leafAlone(_ forge: Forge) throws -> [KeyedCertificate] { [try forge.leaf()] }

    private static let besideRoots = [
        pinned(
            "a pinned certificate that is no part of its chain", notPinned,
            { try $0.trust.pinning([.certificate($1[1].identity.fingerprint)]) },
            { [try $0.leaf(), try Forge.authority("Pinned CA")] }),
        pinned(
            "a pinned key that is no part of its chain", notPinned,
            { try $0.trust.pinning([.publicKey($1[1].identity.publicKeyFingerprint)]) },
            { [try $0.leaf(), try Forge.authority("Pinned CA")] }),
        pinned(
            "a certificate when another is pinned", notPinned,
            { forge, _ in forge.trust.pinning([.certificate(forge.node.fingerprint)]) }, leafAlone),
        pinned(
            "a key when another is pinned", notPinned,
            { forge, _ in forge.trust.pinning([.publicKey(forge.node.publicKeyFingerprint)]) }, leafAlone),
        pinned(
            "a key whose fingerprint is pinned as a certificate's", notPinned,
            { try $0.trust.pinning([.certificate($1[0].identity.publicKeyFingerprint)]) }, leafAlone),
        pinned(
            "a pinned certificate of an authority that is not trusted",
            Fault(.untrustedIssuer, (0, "odd"), "issued by an authority that is not trusted", alert: .unknownCA),
            { try $0.trust.pinning([.certificate($1[0].identity.fingerprint)]) },
            { [try $0.leaf(of: Forge.authority("Other CA"))] }),
        pinned(
            "a pinned certificate that has expired, its pins audited",
            Fault(.expired, (0, "odd"), "expired on ", alert: .certificateExpired),
            { try $0.trust.pinning([.certificate($1[0].identity.fingerprint)], mode: .audit) },
            { [try $0.leaf { $0.expire() }] }),
    ]

    private static let alone = [
        pinned(
            "an own certificate that has expired, pinned alone",
            Fault(.expired, (0, "odd"), "expired on ", alert: .certificateExpired),
            { try .pinned([.certificate($1[0].identity.fingerprint)]) },
            { _ in [try Forge.leaf("odd", issuer: nil) { $0.expire() }] }),
        pinned(
            "an own certificate that is not pinned",
            Fault(.pinMismatch, (0, "odd"), "it is not pinned (cert:", alert: .badCertificate),
            { forge, _ in .pinned([.publicKey(forge.node.publicKeyFingerprint)]) },
            { _ in [try Forge.leaf("odd", issuer: nil)] }),
        pinned(
            "a certificate whose authority alone is pinned",
            Fault(.pinMismatch, (0, "odd"), "it is not pinned (cert:", alert: .badCertificate),
            { try .pinned([.certificate($1[1].identity.fingerprint)]) },
            { [try $0.leaf(), $0.root] }),
        pinned(
            "an authority's certificate, pinned alone, whose key may sign certificates only",
            Fault(
                .wrongPurpose, (0, "odd"), "its key usage does not allow digital signatures",
                alert: .unsupportedCertificate),
            { try .pinned([.certificate($1[0].identity.fingerprint)]) },
            { _ in [try Forge.authority("odd")] }),
        pinned(
            "a pinned certificate for signing code",
            Fault(.wrongPurpose, (0, "odd"), "its key usages do not allow a ", alert: .unsupportedCertificate),
            { try .pinned([.publicKey($1[0].identity.publicKeyFingerprint)]) },
            { [try $0.leaf { $0.extendedKeyUsages = [.codeSigning] }] }),
        pinned(
            "a pinned RSA key of 1024 bits", Fault(.weakKey, (0, "odd"), "key too weak", alert: .badCertificate),
            { try .pinned([.publicKey($1[0].identity.publicKeyFingerprint)]) },
            { [try $0.leaf(keyType: .rsa1024)] }),
    ]

    private static func revoked(_ depth: Int, _ name: String) -> Fault {
        Fault(.revoked, (depth, name), "it is revoked", alert: .certificateRevoked)
    }

    private static let struckOff = [
        pinned(
            "a revoked certificate", revoked(0, "odd"), { forge, _ in forge.trust },
            revoking: { [.certificate(try $0[0].identity.fingerprint)] }, leafAlone),
        pinned(
            "a revoked key", revoked(0, "odd"), { forge, _ in forge.trust },
            revoking: { [.publicKey(try $0[0].identity.publicKeyFingerprint)] }, leafAlone),
        pinned(
            "an authority that is revoked", revoked(1, "Middle CA"), { forge, _ in forge.trust },
            revoking: { [.publicKey(try $0[1].identity.publicKeyFingerprint)] },
            { forge in
                let middle = try forge.middle()
                return [try forge.leaf(of: middle), middle]
            }),
        pinned(
            "a certificate that is pinned and revoked", revoked(0, "odd"),
            { try $0.trust.pinning([.certificate($1[0].identity.fingerprint)]) },
            revoking: { [.certificate(try $0[0].identity.fingerprint)] }, leafAlone),
    ]
}

extension KeyedCertificate {
    /// For its fingerprints.
    fileprivate var identity: Identity { get throws { try unchecked() } }
}
