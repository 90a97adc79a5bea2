internal import COpenSSL

extension VerificationRefusal {
    /// The alert that libssl sends for the same code, so that a peer hears the same over every wire.
    var alert: TLSAlert {
        switch code {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_CERT_CHAIN_TOO_LONG, X509_V_ERR_PATH_LENGTH_EXCEEDED, X509_V_ERR_INVALID_CA:
            .unknownCA
        case X509_V_ERR_CERT_HAS_EXPIRED: .certificateExpired
        case X509_V_ERR_CERT_REVOKED: .certificateRevoked
        case X509_V_ERR_INVALID_PURPOSE: .unsupportedCertificate
        case X509_V_ERR_CERT_SIGNATURE_FAILURE: TLSAlert(rawValue: 51)
        case X509_V_ERR_OUT_OF_MEM: TLSAlert(rawValue: 80)
        case X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_REJECTED, X509_V_ERR_CERT_UNTRUSTED,
            X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH, X509_V_ERR_EMAIL_MISMATCH,
            X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK,
            X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            .badCertificate
        default: .certificateUnknown
        }
    }
}
