/// Why a call on the engine failed.
package struct QUICError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        case credentials
        /// The connection is closed, or not yet far enough.
        case invalidState
        /// The peer has not allowed so many streams yet; ``QUICEvent/streamsAvailable(_:isBidirectional:)`` follows.
        case noStreamCredit
        /// No connection ID of the peer is left for a new path; one may come soon.
        case noConnectionID
        case tooLarge
        case tooManyConnections
        /// No room: a queue is at its limit.
        case full
        case internalFailure
    }

    package let code: Code
    package let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
