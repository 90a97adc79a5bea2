package import NodeTransport

/// The methods of a listener in an array, so that a connection can remember where a path led.
package final class ServerMethods: Sendable {
    package let handlers: [MethodHandler]
    private let positions: [String: Int]
    private let services: Set<String>

    package init(_ table: ServiceTable) {
        handlers = table.handlers
        positions = Dictionary(uniqueKeysWithValues: handlers.enumerated().map { ($1.name.path, $0) })
        services = Set(handlers.map(\.name.service))
    }

    package func position(ofPath path: String) -> Int? { positions[path] }

    /// Why a path is not served.
    package func unknown(path: String) -> TransportError {
        let name = MethodName(path: path)
        let what = services.contains(name.service) ? "method" : "service"
        return TransportError(.unimplemented, "\(path): unknown \(what)")
    }
}
