internal import COpenSSL

/// Turns what libssl reports into an error of our own vocabulary.
enum SessionFailure {
    static func error(for entries: [OpenSSLError], role: TLSContext.Role, isMissingALPN: Bool) -> TLSError {
        if isMissingALPN {
            return TLSError(.noApplicationProtocol, "the client offered no application protocol (ALPN)")
        }
        // The first entry of libssl is the cause; later ones are where it passed through.
        guard let entry = entries.first(where: { $0.library == ERR_LIB_SSL }) else {
            let reason = entries.first?.text ?? "no reason given"
            return TLSError(.internalFailure, "the TLS session failed: \(reason)")
        }
        if let alert = peerAlert(entry.reason) {
            return TLSError(peerAlert: alert)
        }
        let peer = role == .server ? "client" : "server"
        return switch entry.reason {
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            TLSError(.noCertificate, "certificate verification failed: the \(peer) sent no certificate")
        case SSL_R_BAD_SIGNATURE:
            TLSError(
                .badSignature,
                "certificate verification failed: bad signature, the \(peer) has not the key of its certificate"
            )
        case Int32(ERR_R_ASN1_LIB), SSL_R_CERT_LENGTH_MISMATCH:
            TLSError(
                .malformedCertificate,
                "certificate verification failed: the \(peer) sent a certificate that is none (\(entry.text))"
            )
        case SSL_R_NO_APPLICATION_PROTOCOL:
            TLSError(.noApplicationProtocol, "no application protocol (ALPN) in common with the \(peer)")
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_NO_PROTOCOLS_AVAILABLE:
            TLSError(.protocolVersion, "no TLS version in common with the \(peer) (\(entry.text))")
        case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SHARED_GROUPS, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
            SSL_R_NO_SUITABLE_GROUPS, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
            TLSError(.noSharedParameters, "nothing in common with the \(peer): \(entry.text)")
        case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST:
            TLSError(.notTLS, "the \(peer) does not speak TLS (\(entry.text))")
        default:
            TLSError(.protocolViolation, "TLS protocol error: \(entry.text)")
        }
    }

    /// What went wrong on this side of a handshake that another library than OpenSSL performs, by the alert that it sends.
    static func error(sending alert: TLSAlert, role: TLSContext.Role, reason: String) -> TLSError {
        let peer = role == .server ? "client" : "server"
        return switch alert {
        case .certificateRequired:
            TLSError(.noCertificate, "certificate verification failed: the \(peer) sent no certificate")
        case .noApplicationProtocol:
            TLSError(.noApplicationProtocol, "no application protocol (ALPN) in common with the \(peer)")
        case .protocolVersion: TLSError(.protocolVersion, "no TLS version in common with the \(peer) (\(reason))")
        case .handshakeFailure: TLSError(.noSharedParameters, "nothing in common with the \(peer): \(reason)")
        default: TLSError(.protocolViolation, "TLS protocol error: \(alert) (\(reason))")
        }
    }

    /// libssl reports an alert that was received as a reason of 1000 plus the alert's number.
    private static func peerAlert(_ reason: Int32) -> TLSAlert? {
        guard reason >= SSL_AD_REASON_OFFSET else { return nil }
        return UInt8(exactly: reason - SSL_AD_REASON_OFFSET).map(TLSAlert.init(rawValue:))
    }
}
