internal import COpenSSL
internal import NodeTransport

/// Why the verifier refuses a chain: our error, and OpenSSL's number, from which libssl derives the alert.
struct VerificationRefusal: Error {
    let error: TLSError
    let code: Int32

    private init(_ kind: TLSError.Code, _ reason: String, code: Int32) {
        error = TLSError(kind, "certificate verification failed: \(reason)")
        self.code = code
    }

    private init(_ kind: TLSError.Code, _ depth: Int, _ certificate: Certificate, _ reason: String, code: Int32) {
        self.init(kind, "certificate \(depth) (\(certificate.subject)): \(reason)", code: code)
    }

    static var noCertificate: Self {
        Self(.noCertificate, "the peer sent no certificate", code: X509_V_ERR_UNSPECIFIED)
    }

    static var outOfMemory: Self {
        Self(.internalFailure, "OpenSSL has no memory or no such feature", code: X509_V_ERR_OUT_OF_MEM)
    }

    static func chainTooLong(_ count: Int) -> Self {
        Self(.invalidCertificate, "the peer sent \(count) certificates", code: X509_V_ERR_CERT_CHAIN_TOO_LONG)
    }

    static func authorityAsLeaf(_ leaf: Certificate) -> Self {
        let reason = "it is an authority's certificate, which may not identify a peer"
        return Self(.authorityAsLeaf, 0, leaf, reason, code: X509_V_ERR_INVALID_PURPOSE)
    }

    static func wrongUsage(_ leaf: Certificate, _ side: CertificateVerifier.Side) -> Self {
        Self(.wrongPurpose, 0, leaf, usageReason(leaf, side), code: X509_V_ERR_INVALID_PURPOSE)
    }

    static func unusable(_ depth: Int, _ certificate: Certificate, _ reason: String) -> Self {
        Self(.invalidCertificate, depth, certificate, reason, code: X509_V_ERR_CERT_REJECTED)
    }

    static func revoked(_ depth: Int, _ certificate: Certificate) -> Self {
        Self(.revoked, depth, certificate, "it is revoked", code: X509_V_ERR_CERT_REVOKED)
    }

    /// `chain` is the validated one, leaf first.
    static func notPinned(_ chain: [Certificate]) -> Self {
        let leaf = chain[0]
        let fingerprints = [leaf.fingerprint.map(Pin.certificate), leaf.publicKeyFingerprint.map(Pin.publicKey)]
        let text = fingerprints.compactMap { $0?.description }.joined(separator: ", ")
        let what =
            chain.count == 1 ? "it is not pinned" : "neither it nor an issuer of its \(chain.count - 1) is pinned"
        return Self(.pinMismatch, 0, leaf, "\(what) (\(text))", code: X509_V_ERR_CERT_REJECTED)
    }

    static func wrongName(_ leaf: Certificate, _ expectedName: ExpectedName?) -> Self {
        Self(.nameMismatch, 0, leaf, nameReason(leaf, expectedName), code: X509_V_ERR_HOSTNAME_MISMATCH)
    }

    private static func nameReason(_ leaf: Certificate, _ expectedName: ExpectedName?) -> String {
        let names = leaf.names.map(\.description).joined(separator: ", ")
        return "it is not for \(expectedName?.description ?? "") but for \(names.isEmpty ? "no name at all" : names)"
    }

    /// What `X509_verify_cert` found.
    static func chain(
        code: Int32,
        depth: Int,
        _ certificate: Certificate,
        leaf: Certificate,
        mayBeAuthority: Bool,
        side: CertificateVerifier.Side,
        expectedName: ExpectedName?,
        now: WallTime
    ) -> Self {
        // An authority shown as leaf also lacks the purpose or trust; the true reason is more use.
        if depth == 0, !mayBeAuthority, leaf.isAuthority, code == X509_V_ERR_INVALID_PURPOSE {
            return authorityAsLeaf(leaf)
        }
        let kind = kind(of: code)
        let native =
            unsafe X509_verify_cert_error_string(Int(code)).map { unsafe String(cString: $0) } ?? "error \(code)"
        let reason: String
        switch kind {
        case .expired:
            reason = "expired on \(certificate.notAfter?.description ?? "an unreadable date") (it is now \(now))"
        case .notYetValid:
            reason =
                "not valid before \(certificate.notBefore?.description ?? "an unreadable date") (it is now \(now))"
        case .nameMismatch:
            reason = nameReason(leaf, expectedName)
        case .wrongPurpose where depth == 0:
            reason = usageReason(leaf, side)
        case .untrustedIssuer where code != X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            reason = "issued by an authority that is not trusted (\(native))"
        case .invalidAuthority where code == X509_V_ERR_INVALID_CA:
            reason =
                certificate.isAuthority
                ? "its key usage does not allow it to sign certificates"
                : "it is no authority's certificate and cannot issue others"
        case .selfSigned:
            reason = "it is signed by itself and not trusted"
        default:
            reason = native
        }
        return Self(kind, depth, certificate, reason, code: code)
    }

    private static func usageReason(_ leaf: Certificate, _ side: CertificateVerifier.Side) -> String {
        if !leaf.allowsSigning { return "its key usage does not allow digital signatures" }
        let (who, usage) = side == .server ? ("a server", "serverAuth") : ("a client", "clientAuth")
        return "its key usages do not allow \(who) (extended key usage \(usage))"
    }

    private static func kind(of code: Int32) -> TLSError.Code {
        switch code {
        case X509_V_ERR_CERT_HAS_EXPIRED: .expired
        case X509_V_ERR_CERT_NOT_YET_VALID: .notYetValid
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: .selfSigned
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_CERT_UNTRUSTED:
            .untrustedIssuer
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH, X509_V_ERR_EMAIL_MISMATCH: .nameMismatch
        case X509_V_ERR_INVALID_PURPOSE: .wrongPurpose
        case X509_V_ERR_INVALID_CA, X509_V_ERR_PATH_LENGTH_EXCEEDED, X509_V_ERR_KEYUSAGE_NO_CERTSIGN,
            X509_V_ERR_CA_CERT_MISSING_KEY_USAGE, X509_V_ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN,
            X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA, X509_V_ERR_CA_BCONS_NOT_CRITICAL:
            .invalidAuthority
        case X509_V_ERR_CERT_SIGNATURE_FAILURE, X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE: .badSignature
        case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL: .weakKey
        case X509_V_ERR_CA_MD_TOO_WEAK: .weakSignature
        case X509_V_ERR_PERMITTED_VIOLATION, X509_V_ERR_EXCLUDED_VIOLATION, X509_V_ERR_SUBTREE_MINMAX,
            X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX,
            X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
            .nameConstraint
        case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION: .unknownCriticalExtension
        case X509_V_ERR_CERT_REVOKED: .revoked
        case X509_V_ERR_OUT_OF_MEM: .internalFailure
        default: .invalidCertificate
        }
    }
}
