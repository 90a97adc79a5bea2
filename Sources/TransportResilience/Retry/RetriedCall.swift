internal import NodeTransport

/// One call from its first failure on: decides about each further attempt and makes its head.
struct RetriedCall {
    /// What became of one attempt.
    struct Step {
        let decision: RetryMachine.Decision
        /// The attempt that failed, from 1.
        let attempt: Int
        let error: any Error

        /// How long to wait before the next attempt; `nil` when there is none.
        var delay: Duration? {
            switch decision {
            case .retry(let delay): delay
            case .retryTransparently: .zero
            case .giveUp: nil
            }
        }

        /// What the caller is told when there is no further attempt.
        var finalError: any Error { (error as? TransportError)?.at(nil, attempt: attempt) ?? error }
    }

    private let context: RetryContext
    private var machine: RetryMachine
    /// The next attempt's, but for its own time-out.
    private var head: CallHead

    init(_ head: CallHead, _ context: RetryContext) {
        self.context = context
        self.head = head
        machine = RetryMachine(
            policy: context.policy, isIdempotent: head.isIdempotent, deadline: head.deadline,
            allowsTransparentRetry: true)
    }

    /// The attempt under way has failed.
    ///
    /// - Parameters:
    ///   - state: How the connection is doing; one that is over would refuse every further attempt.
    ///   - isCancelled: Whether the caller has cancelled the call, whatever the error says.
    mutating func failed(with error: any Error, state: ConnectionState, isCancelled: Bool) -> Step {
        let attempt = machine.attempt
        let decision = decide(error, state, isCancelled)
        if case .giveUp = decision {} else { prepare(after: error, attempt: machine.attempt) }
        return Step(decision: decision, attempt: attempt, error: error)
    }

    private mutating func decide(
        _ error: any Error, _ state: ConnectionState, _ isCancelled: Bool
    ) -> RetryMachine.Decision {
        if isCancelled { return .giveUp(.cancelled) }
        if !state.takesCalls { return .giveUp(.connectionOver) }
        let now = context.clock.now
        let decision = machine.failed(with: error, now: now, chance: context.randomness())
        if case .retry = decision, let budget = context.calls.budget, !budget.withdraw(now: now) {
            return .giveUp(.budgetUsedUp)
        }
        return decision
    }

    private mutating func prepare(after error: any Error, attempt: Int) {
        if attempt > 1 { head.setPreviousAttempts(attempt - 1) }
        head.avoidPeer(of: error)
    }

    /// The error with the number of the attempt under way.
    func numbered(_ error: any Error) -> any Error {
        (error as? TransportError)?.at(nil, attempt: machine.attempt) ?? error
    }

    /// What the next attempt begins with.
    var nextHead: CallHead { head }
}
