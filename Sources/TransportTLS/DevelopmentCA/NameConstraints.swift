public import NodeTransport

/// The names to which an authority is confined (RFC 5280 section 4.2.1.10).
///
/// A DNS name or a URI's host stands for itself and everything below it, an IP address may be a network:
/// `.ip("10.0.0.0/8")`. A kind of name of which nothing is permitted is not confined.
public struct NameConstraints: Sendable, Hashable {
    /// Where any name of a kind is here, names of that kind must lie within one.
    public var permitted: [PeerName]

    /// No name may lie within one of these.
    public var excluded: [PeerName]

    public init(permitted: [PeerName] = [], excluded: [PeerName] = []) {
        self.permitted = permitted
        self.excluded = excluded
    }
}
