internal import Synchronization

/// The contexts of one side of one transport over time: a new one whenever the credentials have changed.
package final class TLSContextSource: Sendable {
    package let configuration: TLSConfiguration
    private let role: TLSContext.Role
    private let state: Mutex<State>

    private struct State {
        var context: TLSContext
        var madeAt: WallTime
    }

    /// The keys of tickets live as long as their context does; after so many seconds there are new ones.
    private static let maximumAgeSeconds: Int64 = 12 * 3600

    /// - Throws: ``TLSError`` when the configuration cannot be used by this side.
    package init(_ configuration: TLSConfiguration, role: TLSContext.Role, now: WallTime = .now) throws(TLSError) {
        self.configuration = configuration
        self.role = role
        state = Mutex(State(context: try TLSContext(configuration, role: role), madeAt: now))
    }

    package var credentials: Credentials { configuration.credentials }

    /// The context for a session that begins now.
    ///
    /// - Throws: ``TLSError`` when the credentials have come to a state that this side cannot use.
    package func context(now: WallTime) throws(TLSError) -> TLSContext {
        let generation = credentials.currentGeneration
        return try state.withLock { state throws(TLSError) in
            let age = now.secondsSince1970.subtractingReportingOverflow(state.madeAt.secondsSince1970).partialValue
            if state.context.generation != generation || !(0..<Self.maximumAgeSeconds).contains(age) {
                state = State(context: try TLSContext(configuration, role: role), madeAt: now)
            }
            return state.context
        }
    }
}
