internal import ArgumentParser
internal import NodeTransport

extension Endpoint {
    /// For `@Option(transform:)`: an endpoint, or why the text is none.
    @Sendable
    static func argument(_ text: String) throws -> Endpoint {
        do {
            return try Endpoint(parsing: text)
        } catch let error as TransportError {
            throw ValidationError(error.message)
        }
    }
}
