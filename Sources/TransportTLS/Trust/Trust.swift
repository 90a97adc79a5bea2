public import NodeTransport

/// Whom we believe: the authorities whose certificates count, and the name a peer must have.
public struct Trust: Sendable {
    enum Source {
        /// Certificates in DER.
        case roots([Bytes])
        case system
    }

    let source: Source

    /// Which name the certificate of a peer we connect to must be for; by default the endpoint's host.
    public var nameCheck: NameCheck = .endpointHost

    /// Whether chains must follow RFC 5280 to the letter (`-x509_strict` in OpenSSL).
    ///
    /// Key usage and key identifiers present in authorities, and so on. On by default; hand-made
    /// authorities may need it off.
    public var isStrict = true

    private init(_ source: Source) {
        self.source = source
    }

    /// The authorities in a PEM file.
    ///
    /// - Throws: ``TLSError`` that names the file, the block and the reason.
    public static func roots(file: String) throws(TLSError) -> Trust {
        try roots(pem: FileSystem.read(file).contents, source: file)
    }

    /// The authorities in a PEM text.
    ///
    /// - Parameters:
    ///   - pem: One or more `CERTIFICATE` blocks.
    ///   - source: What errors call the text.
    public static func roots(pem: Bytes, source: String = "trust PEM") throws(TLSError) -> Trust {
        let certificates = try CertificateBlock.all(in: pem, file: source)
        return Trust(.roots(certificates.map(\.certificate.der)))
    }

    /// The authorities that the operating system trusts (on Debian, the package `ca-certificates`).
    public static var system: Trust { Trust(.system) }

    /// This trust with another rule for names.
    public func checkingName(_ nameCheck: NameCheck) -> Trust {
        var copy = self
        copy.nameCheck = nameCheck
        return copy
    }
}

extension Trust: CustomStringConvertible {
    public var description: String {
        switch source {
        case .roots(let roots): "\(roots.count) \(roots.count == 1 ? "root" : "roots"), name check: \(nameCheck)"
        case .system: "the system's roots, name check: \(nameCheck)"
        }
    }
}

/// Which name the certificate of a peer that we connect to must be for.
///
/// A listener has no name to expect of its clients: it takes every client that its trust vouches for, and
/// authorization decides by `PeerIdentity`.
public struct NameCheck: Sendable, Hashable, CustomStringConvertible {
    private enum Rule: Hashable {
        case endpointHost
        case name(String)
        case none
    }

    private let rule: Rule

    /// The host of the endpoint: a DNS name or an IP address.
    public static let endpointHost = NameCheck(rule: .endpointHost)

    /// A DNS name or an IP address of its own, for endpoints that are reached under another name.
    public static func name(_ name: String) -> NameCheck { NameCheck(rule: .name(name)) }

    /// No name: every certificate that the roots vouch for will do.
    ///
    /// Right between nodes only when a private authority issues certificates to nothing but nodes.
    public static let none = NameCheck(rule: .none)

    /// What to expect of the peer at `host`; `nil` for no name.
    package func expectedName(host: String?) -> ExpectedName? {
        switch rule {
        case .endpointHost: ExpectedName(host ?? "")
        case .name(let name): ExpectedName(name)
        case .none: nil
        }
    }

    public var description: String {
        switch rule {
        case .endpointHost: "the endpoint's host"
        case .name(let name): name
        case .none: "none"
        }
    }
}

/// A name that a certificate must be for.
package enum ExpectedName: Sendable, Hashable, CustomStringConvertible {
    case dns(String)
    /// In textual form.
    case ip(String)

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
        }
    }
}
