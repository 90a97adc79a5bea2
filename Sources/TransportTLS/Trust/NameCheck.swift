/// Which name the certificate of a peer must be for.
public struct NameCheck: Sendable, Hashable, CustomStringConvertible {
    private enum Rule: Hashable {
        case endpointHost
        case name(String)
        case uri(String)
        case trustDomain(String)
        case none
    }

    private let rule: Rule

    /// The host of the endpoint: a DNS name or an IP address. Only of use for peers that we connect to.
    public static let endpointHost = NameCheck(rule: .endpointHost)

    /// A DNS name or an IP address of its own, for endpoints that are reached under another name.
    public static func name(_ name: String) -> NameCheck { NameCheck(rule: .name(name)) }

    /// A URI that the certificate must hold, character for character.
    public static func uri(_ uri: String) -> NameCheck { NameCheck(rule: .uri(uri)) }

    /// One workload of SPIFFE (X509-SVID: the certificate's only URI).
    public static func spiffeID(_ id: SPIFFEID) -> NameCheck { NameCheck(rule: .uri(id.description)) }

    /// Any workload of a SPIFFE trust domain: the certificate's only URI must be a SPIFFE ID in it.
    ///
    /// - Throws: ``TLSError`` with ``TLSError/Code/invalidConfiguration`` when `domain` cannot be a trust domain.
    public static func spiffeTrustDomain(_ domain: String) throws(TLSError) -> NameCheck {
        guard SPIFFEID.isTrustDomain(domain[...]) else {
            throw TLSError(
                .invalidConfiguration,
                "'\(printableStart(of: domain[...]))' is not a SPIFFE trust domain, as city.example is"
            )
        }
        return NameCheck(rule: .trustDomain(domain))
    }

    /// No name: every certificate that the roots vouch for will do.
    ///
    /// Right between nodes only when a private authority issues certificates to nothing but nodes.
    public static let none = NameCheck(rule: .none)

    /// What to expect of the peer at `host`; `nil` for no name.
    package func expectedName(host: String?) -> ExpectedName? {
        switch rule {
        case .endpointHost: ExpectedName(host ?? "")
        case .name(let name): ExpectedName(name)
        case .uri(let uri): .uri(uri)
        case .trustDomain(let domain): .trustDomain(domain)
        case .none: nil
        }
    }

    public var description: String {
        switch rule {
        case .endpointHost: "the endpoint's host"
        case .name(let name): name
        case .uri(let uri): uri
        case .trustDomain(let domain): "any workload of spiffe://\(domain)"
        case .none: "none"
        }
    }
}

/// A name that a certificate must be for.
package enum ExpectedName: Sendable, Hashable, CustomStringConvertible {
    case dns(String)
    /// In textual form.
    case ip(String)
    case uri(String)
    /// Of SPIFFE.
    case trustDomain(String)

    /// A text that parses as an IP address is one; everything else is a DNS name.
    package init(_ host: String) {
        if let address = IPAddress(host) {
            self = .ip(address.description)
        } else {
            self = .dns(host.hasSuffix(".") ? String(host.dropLast()) : host)
        }
    }

    package var description: String {
        switch self {
        case .dns(let name): name
        case .ip(let address): address
        case .uri(let uri): uri
        case .trustDomain(let domain): "a workload of spiffe://\(domain)"
        }
    }
}
