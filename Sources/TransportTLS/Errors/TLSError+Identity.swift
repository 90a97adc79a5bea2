extension TLSError {
    /// Whether a handshake failed because one side did not accept who the other is, rather than how it speaks.
    package var isRefusedIdentity: Bool {
        switch code {
        case .peerAlert: alert.map(Self.identityAlerts.contains) ?? false
        case .noApplicationProtocol, .protocolVersion, .noSharedParameters, .notTLS, .protocolViolation, .sessionClosed,
            .internalFailure:
            false
        default: true
        }
    }

    /// The alerts about a certificate, the proof of its key, or the want of one (RFC 8446 §6.2).
    private static let identityAlerts: Set<TLSAlert> = [
        .badCertificate, .unsupportedCertificate, .certificateRevoked, .certificateExpired, .certificateUnknown,
        .unknownCA, .certificateRequired, TLSAlert(rawValue: 49), TLSAlert(rawValue: 51),
    ]
}
