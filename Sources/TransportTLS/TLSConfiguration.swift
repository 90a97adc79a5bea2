/// What a transport needs to know to secure its connections: who we are, whom we believe, and how.
public struct TLSConfiguration: Sendable {
    /// Who we are, and whom we believe; what changes in them holds for every handshake that begins after it.
    ///
    /// An identity is a must for a listener, and for a client where the server asks for it.
    public var credentials: Credentials

    /// What a listener asks of its clients.
    public var clientAuthentication: ClientAuthentication

    /// The oldest version that is spoken.
    public var minimumVersion: TLSVersion

    /// The protocols offered by ALPN (RFC 7301), the most preferred first.
    ///
    /// Both sides refuse a peer with which they have none in common. Empty: ALPN is not used.
    public var applicationProtocols: [String]

    /// Whether a client that comes back may skip the certificates' part of the handshake (RFC 8446 section 2.2).
    ///
    /// Its certificate is judged again all the same, by the trust and at the time of the new connection. Only where TLS
    /// 1.3 is the minimum, for tickets of TLS 1.2 forgo forward secrecy. No early data (0-RTT) is sent or taken.
    public var resumesSessions = true

    public init(
        credentials: Credentials,
        clientAuthentication: ClientAuthentication = .required,
        minimumVersion: TLSVersion = .tls13,
        applicationProtocols: [String] = ["h2"]
    ) {
        self.credentials = credentials
        self.clientAuthentication = clientAuthentication
        self.minimumVersion = minimumVersion
        self.applicationProtocols = applicationProtocols
    }

    /// With credentials that do not change.
    public init(
        identity: Identity?,
        trust: Trust,
        clientAuthentication: ClientAuthentication = .required,
        minimumVersion: TLSVersion = .tls13,
        applicationProtocols: [String] = ["h2"]
    ) {
        self.init(
            credentials: Credentials(identity: identity, trust: trust),
            clientAuthentication: clientAuthentication,
            minimumVersion: minimumVersion,
            applicationProtocols: applicationProtocols
        )
    }
}

/// What a listener asks of its clients.
public struct ClientAuthentication: Sendable, Hashable {
    private enum Demand {
        case required, optional, none
    }

    private let demand: Demand

    /// A certificate that the trust accepts (mutual TLS).
    public static let required = ClientAuthentication(demand: .required)

    /// A certificate, but a client that has none may connect and then has no `PeerIdentity`.
    ///
    /// A certificate that the trust does not accept refuses its client.
    public static let optional = ClientAuthentication(demand: .optional)

    /// Nothing: any client may connect, and has no `PeerIdentity`.
    public static let none = ClientAuthentication(demand: .none)

    var isRequired: Bool { demand == .required }
    var isAsked: Bool { demand != .none }
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
