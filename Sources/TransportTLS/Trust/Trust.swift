public import NodeTransport

/// Whom we believe: the authorities whose certificates count, the keys that are pinned, and the name a peer must have.
///
/// | made by | who is accepted |
/// |---|---|
/// | ``roots(file:)``, ``system`` | whoever the authorities vouch for |
/// | the same with ``pinning(_:mode:)`` | of these, whose validated chain holds a pinned certificate or key |
/// | ``pinned(_:)`` | whoever shows a pinned certificate or key; no authority is asked |
public struct Trust: Sendable {
    enum Source {
        /// Certificates in DER.
        case roots([Bytes])
        case system
        /// No authority counts.
        case pins
    }

    /// What a pin that does not match leads to.
    public struct PinningMode: Sendable, Hashable {
        let isEnforced: Bool

        /// The peer is refused.
        public static let strict = PinningMode(isEnforced: true)

        /// The peer is accepted if its chain is valid; the mismatch is reported as an event and counted.
        public static let audit = PinningMode(isEnforced: false)
    }

    let source: Source

    /// The certificates and keys of which a peer's validated chain must hold one; empty when nothing is pinned.
    public let pins: Set<Pin>

    /// What a chain without a pinned certificate or key leads to.
    public let pinningMode: PinningMode

    /// Which name the certificate of a peer we connect to must be for; by default the endpoint's host, and none when
    /// only pins count.
    public var nameCheck: NameCheck

    /// Which name the certificate of a client of ours must be for; by default none.
    ///
    /// A listener has no host to expect of its clients; authorization decides by `PeerIdentity`. A SPIFFE trust domain
    /// can be demanded here.
    public var clientNameCheck: NameCheck = .none

    /// Whether chains must follow RFC 5280 to the letter (`-x509_strict` in OpenSSL).
    ///
    /// Key usage and key identifiers present in authorities, and so on. On by default; hand-made
    /// authorities may need it off.
    public var isStrict = true

    private init(_ source: Source, pins: Set<Pin> = [], mode: PinningMode = .strict, nameCheck: NameCheck) {
        self.source = source
        self.pins = pins
        pinningMode = mode
        self.nameCheck = nameCheck
    }

    /// The authorities in a file (PEM or DER).
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
        return Trust(.roots(certificates.map(\.certificate.der)), nameCheck: .endpointHost)
    }

    /// The authorities that the operating system trusts (on Debian, the package `ca-certificates`).
    public static var system: Trust { Trust(.system, nameCheck: .endpointHost) }

    /// Only the pins count, for peers whose certificates no authority has signed.
    ///
    /// The peer's own certificate must match a pin, be within its period of validity and fit for its side of TLS; the
    /// handshake proves that the peer holds its key. Nobody vouches for the names in a certificate whose key alone is
    /// pinned, so such a peer's `PeerIdentity` has none: authorize by fingerprint, or pin the certificate.
    ///
    /// - Parameter pins: At least one; several while keys are rotated.
    public static func pinned(_ pins: some Sequence<Pin>) -> Trust {
        Trust(.pins, pins: Set(pins), nameCheck: .none)
    }

    /// This trust, and in addition a pin on a certificate of the **validated** chain: the leaf, an intermediate, or the
    /// root.
    ///
    /// A certificate that the peer merely sends along does not count.
    ///
    /// - Parameters:
    ///   - pins: At least one; several while keys are rotated.
    ///   - mode: Whether a mismatch refuses the peer or is only reported.
    public func pinning(_ pins: some Sequence<Pin>, mode: PinningMode = .strict) -> Trust {
        var copy = Trust(source, pins: Set(pins), mode: mode, nameCheck: nameCheck)
        copy.clientNameCheck = clientNameCheck
        copy.isStrict = isStrict
        return copy
    }

    /// This trust with another rule for the names of peers that we connect to.
    public func checkingName(_ nameCheck: NameCheck) -> Trust {
        var copy = self
        copy.nameCheck = nameCheck
        return copy
    }

    /// This trust with another rule for the names of our clients.
    public func checkingClientName(_ nameCheck: NameCheck) -> Trust {
        var copy = self
        copy.clientNameCheck = nameCheck
        return copy
    }
}

extension Trust: CustomStringConvertible {
    public var description: String {
        let pins = "\(pins.count) \(pins.count == 1 ? "pin" : "pins")"
        let pinned = self.pins.isEmpty ? "" : " and \(pins)\(pinningMode == .audit ? " (audit)" : "")"
        let whom =
            switch source {
            case .roots(let roots): "\(roots.count) \(roots.count == 1 ? "root" : "roots")\(pinned)"
            case .system: "the system's roots\(pinned)"
            case .pins: pins
            }
        return "\(whom), name check: \(nameCheck)"
    }
}
