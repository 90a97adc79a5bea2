internal import Logging
internal import NodeTransport

/// What the calls of one retrying connection share.
final class RetryContext: Sendable {
    let policy: RetryPolicy
    let hasAttemptTimeout: Bool
    let calls: BudgetedCalls
    let endpoint: Endpoint
    /// Whether what is beneath says when a call has got a peer, from when on an attempt's time counts.
    private let choosesPeers: Bool
    let clock: AnyContinuousClock
    let randomness: @Sendable () -> Double
    private let logger: Logger?
    private let onEvent: ResilienceObserver?

    init(
        policy: RetryPolicy, calls: BudgetedCalls, endpoint: Endpoint, choosesPeers: Bool, clock: AnyContinuousClock,
        randomness: @escaping @Sendable () -> Double, logger: Logger?, onEvent: ResilienceObserver?
    ) {
        self.policy = policy
        hasAttemptTimeout = policy.perAttemptTimeout != nil
        self.calls = calls
        self.endpoint = endpoint
        self.choosesPeers = choosesPeers
        self.clock = clock
        self.randomness = randomness
        self.logger = logger
        self.onEvent = onEvent
    }

    /// What an attempt at a unary call that begins now begins with: `head`, and the time it has.
    func timed(_ head: CallHead) -> CallHead {
        guard let timeout = policy.perAttemptTimeout else { return head }
        var head = head
        if choosesPeers {
            head.attempt = CallAttempt(timeout: timeout, within: head.attempt)
        } else {
            head.deadline = Deadline.bounding(head.deadline, to: timeout, from: clock.now)
        }
        return head
    }

    /// Tells the log and the observer what became of a failed attempt.
    func tell(_ step: RetriedCall.Step, _ head: CallHead) {
        let metadata: Logger.Metadata = ["method": "\(head.method)", "endpoint": "\(endpoint)"]
        let progress = "\(step.attempt)/\(policy.attempts)"
        switch step.decision {
        case .retry(let delay):
            tell(.retried, "retry \(progress) after \(delay.inMilliseconds)", step.error, head, metadata)
        case .retryTransparently: tell(.retried, "transparent retry", step.error, head, metadata)
        case .giveUp(.budgetUsedUp):
            tell(
                .retryBudgetExhausted, "gave up \(progress): \(RetryMachine.Reason.budgetUsedUp.rawValue)", step.error,
                head, metadata)
        case .giveUp(let reason):
            // An answer such as "not found" at the first attempt is none of the retries' business.
            guard step.attempt > 1 || reason == .attemptsUsedUp || reason == .forbiddenByServer else { return }
            logger?.debug("gave up \(progress): \(reason.rawValue): \(step.error)", metadata: metadata)
        }
    }

    private func tell(
        _ kind: ResilienceEvent.Kind, _ detail: String, _ error: any Error, _ head: CallHead,
        _ metadata: Logger.Metadata
    ) {
        logger?.debug("\(detail): \(error)", metadata: metadata)
        let transportError = error as? TransportError
        onEvent?(
            ResilienceEvent(
                kind, endpoint: transportError?.endpoint ?? endpoint, method: head.method,
                detail: transportError == nil ? "\(detail): \(error)" : detail, error: transportError))
    }

    /// Waits before the next attempt.
    ///
    /// - Throws: `TransportError` with `cancelled` when the task is cancelled.
    func wait(_ delay: Duration, before head: CallHead, after step: RetriedCall.Step) async throws {
        do {
            if delay > .zero { try await clock.sleep(for: delay) } else { try Task.checkCancellation() }
        } catch {
            throw cancelled(head, after: step)
        }
    }

    func cancelled(_ head: CallHead, after step: RetriedCall.Step) -> TransportError {
        TransportError(
            .cancelled, "\(head.method) was cancelled while it waited for its next attempt", cause: step.error,
            endpoint: endpoint, attempt: step.attempt)
    }
}
