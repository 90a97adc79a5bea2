import NodeTransport

@testable import QUICTransport

/// Waits until something holds of a connection's inside.
///
/// - Throws: when the connection is closed before, or the test's time is over.
func wait(
    for connection: QUICClientConnection, until isMet: @Sendable (isolated QUICClientConnection) -> Bool
) async throws {
    while await !isMet(connection) {
        guard !connection.state.isClosed else {
            throw Unexpected(description: "the connection is closed: \(connection.state)")
        }
        try Task.checkCancellation()
        await Task.yield()
    }
}
