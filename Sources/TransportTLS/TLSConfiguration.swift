/// What a transport needs to know to secure its connections: who we are, whom we believe, and how.
public struct TLSConfiguration: Sendable {
    /// Who we are: a must for a listener, and for a client where the server asks for it.
    public var identity: Identity?

    /// Whom we believe.
    public var trust: Trust

    /// What a listener asks of its clients.
    public var clientAuthentication: ClientAuthentication

    /// The oldest version that is spoken.
    public var minimumVersion: TLSVersion

    /// The protocols offered by ALPN (RFC 7301), the most preferred first.
    ///
    /// Both sides refuse a peer with which they have none in common. Empty: ALPN is not used.
    public var applicationProtocols: [String]

    public init(
        identity: Identity?,
        trust: Trust,
        clientAuthentication: ClientAuthentication = .required,
        minimumVersion: TLSVersion = .tls13,
        applicationProtocols: [String] = ["h2"]
    ) {
        self.identity = identity
        self.trust = trust
        self.clientAuthentication = clientAuthentication
        self.minimumVersion = minimumVersion
        self.applicationProtocols = applicationProtocols
    }
}

/// What a listener asks of its clients.
public struct ClientAuthentication: Sendable, Hashable {
    private let isRequiredFlag: Bool

    /// A certificate that the trust accepts (mutual TLS).
    public static let required = ClientAuthentication(isRequiredFlag: true)

    /// Nothing: any client may connect, and has no `PeerIdentity`.
    public static let none = ClientAuthentication(isRequiredFlag: false)

    var isRequired: Bool { isRequiredFlag }
}

/// A version of TLS.
public struct TLSVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The number on the wire.
    let number: UInt16

    public static let tls12 = TLSVersion(number: 0x0303)
    public static let tls13 = TLSVersion(number: 0x0304)

    public static func < (left: TLSVersion, right: TLSVersion) -> Bool { left.number < right.number }

    public var description: String {
        switch self {
        case .tls12: "TLS 1.2"
        case .tls13: "TLS 1.3"
        default: "TLS version \(number)"
        }
    }
}
