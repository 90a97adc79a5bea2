/// An alert of the TLS protocol: how one side tells the other why it gives up (RFC 8446 section 6).
public struct TLSAlert: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    public static let handshakeFailure = TLSAlert(rawValue: 40)
    public static let badCertificate = TLSAlert(rawValue: 42)
    public static let unsupportedCertificate = TLSAlert(rawValue: 43)
    public static let certificateRevoked = TLSAlert(rawValue: 44)
    public static let certificateExpired = TLSAlert(rawValue: 45)
    public static let certificateUnknown = TLSAlert(rawValue: 46)
    public static let unknownCA = TLSAlert(rawValue: 48)
    public static let protocolVersion = TLSAlert(rawValue: 70)
    public static let certificateRequired = TLSAlert(rawValue: 116)
    public static let noApplicationProtocol = TLSAlert(rawValue: 120)

    /// The name in RFC 8446, with spaces: `unknown ca`.
    public var description: String { Self.names[rawValue] ?? "alert \(rawValue)" }

    /// What the alert says about us or about the two sides, for the error's message.
    var meaning: String? { Self.meanings[rawValue] }

    private static let names: [UInt8: String] = [
        0: "close notify", 10: "unexpected message", 20: "bad record mac", 22: "record overflow",
        40: "handshake failure", 42: "bad certificate", 43: "unsupported certificate",
        44: "certificate revoked", 45: "certificate expired", 46: "certificate unknown",
        47: "illegal parameter", 48: "unknown ca", 49: "access denied", 50: "decode error",
        51: "decrypt error", 70: "protocol version", 71: "insufficient security", 80: "internal error",
        86: "inappropriate fallback", 90: "user canceled", 109: "missing extension",
        110: "unsupported extension", 112: "unrecognized name", 113: "bad certificate status response",
        115: "unknown psk identity", 116: "certificate required", 120: "no application protocol",
    ]

    private static let meanings: [UInt8: String] = [
        40: "it found no cipher, group or certificate in common, or refused our certificate",
        42: "it refused our certificate",
        43: "our certificate is not for this use",
        44: "it holds our certificate for revoked",
        45: "it holds our certificate for expired or not yet valid",
        46: "it could not accept our certificate",
        48: "it does not trust the authority that issued our certificate",
        49: "our certificate is valid but not allowed in",
        70: "it does not speak any TLS version that we allow",
        112: "it does not serve the name that we asked for",
        116: "it requires a certificate from us and we have none",
        120: "it speaks none of our application protocols",
    ]
}
