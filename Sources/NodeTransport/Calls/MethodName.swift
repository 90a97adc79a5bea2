/// The full name of an RPC method: `/package.Service/Method` on the wire.
public struct MethodName: Sendable, Hashable {
    /// The path on the wire, with the leading slash.
    public let path: String

    /// - Throws: ``TransportError`` with ``StatusCode/invalidArgument`` when a part is empty or has a slash, a
    ///   blank or a character that is not printable ASCII.
    public init(service: String, method: String) throws {
        for part in [service, method] {
            guard !part.isEmpty, part.utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != 0x2f }) else {
                throw TransportError(.invalidArgument, "\"\(part)\" is not a service's or method's name")
            }
        }
        path = "/\(service)/\(method)"
    }

    /// A name from a literal, for definitions in code.
    ///
    /// - Precondition: each is one non-empty part.
    public init(_ service: StaticString, _ method: StaticString) {
        path = "/\(service)/\(method)"
    }

    /// For a path that came off the wire.
    package init(path: String) { self.path = path }

    /// The service's part, for example `dag.DAGService`.
    public var service: String { part(0) }

    /// The method's part, for example `SubmitTransaction`.
    public var method: String { part(1) }

    private func part(_ index: Int) -> String {
        let parts = path.split(separator: "/", maxSplits: 1)
        return index < parts.count ? String(parts[index]) : ""
    }
}

extension MethodName: CustomStringConvertible {
    public var description: String { path }
}
