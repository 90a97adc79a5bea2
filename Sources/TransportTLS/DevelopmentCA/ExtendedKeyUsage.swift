/// What a certificate's key may be used for in TLS (RFC 5280 section 4.2.1.12).
public struct ExtendedKeyUsage: Sendable, Hashable {
    /// The object identifier in dotted form.
    let identifier: String

    /// As a server.
    public static let serverAuthentication = ExtendedKeyUsage(identifier: "1.3.6.1.5.5.7.3.1")
    /// As a client.
    public static let clientAuthentication = ExtendedKeyUsage(identifier: "1.3.6.1.5.5.7.3.2")
    /// For signing programs: not for TLS.
    public static let codeSigning = ExtendedKeyUsage(identifier: "1.3.6.1.5.5.7.3.3")
    /// For everything, it says; no peer of ours takes it for an answer.
    package static let any = ExtendedKeyUsage(identifier: "2.5.29.37.0")
}
