public import Logging
public import NodeTransport

/// Runs `body`, and again when it fails with an error that `policy` finds worth it.
///
/// ```swift
/// let ack = try await withRetry(.default, operation: "submit", isIdempotent: true, logger: logger) { attempt in
///     try await peer.call(DAG.submit, transaction, deadline: .after(.seconds(2)))
/// }
/// ```
///
/// Each retry is logged at debug level with the attempt that failed and the limit:
/// `retry 1/5 after 100 ms: unavailable: …`.
///
/// - Parameters:
///   - policy: What is tried again, how often and after what delay.
///   - operation: What is being done, for the log.
///   - isIdempotent: Whether doing it twice does what doing it once does. If not, it is tried again only after a
///     `TransportError` that says `notProcessed`.
///   - deadline: By when to give up, all attempts together; the deadline of the handler this runs in, if any, bounds
///     it. Calls within `body` inherit it.
///   - budget: What retries are taken from, shared by all that is done with one peer.
///   - logger: Where retries are logged.
///   - clock: What delays pass on.
///   - randomness: Numbers within 0..<1, for the jitter.
///   - body: One attempt; gets its number, from 1.
/// - Returns: What the first attempt that succeeds returns.
/// - Throws: The last attempt's error; a `TransportError` carries the attempt's number.
///   `cancelled` when the task is cancelled while it waits.
public func withRetry<Value, C: Clock>(
    _ policy: RetryPolicy = .default,
    operation: String,
    isIdempotent: Bool = false,
    deadline: Deadline? = nil,
    budget: RetryBudget? = nil,
    logger: Logger? = nil,
    clock: C = ContinuousClock(),
    randomness: () -> Double = { .random(in: 0..<1) },
    _ body: (_ attempt: Int) async throws -> Value
) async throws -> Value where C.Instant == ContinuousClock.Instant {
    let bound = Deadline.effective(deadline, now: clock.now)
    var machine = RetryMachine(policy: policy, isIdempotent: isIdempotent, deadline: bound)
    budget?.callBegan()
    defer { budget?.callEnded() }
    while true {
        let attempt = machine.attempt
        do {
            guard deadline != nil else { return try await body(attempt) }
            return try await Deadline.$current.withValue(bound) { try await body(attempt) }
        } catch {
            var decision: RetryMachine.Decision =
                Task.isCancelled
                ? .giveUp(.cancelled) : machine.failed(with: error, now: clock.now, chance: randomness())
            if case .retry = decision, let budget, !budget.withdraw(now: clock.now) {
                decision = .giveUp(.budgetUsedUp)
            }
            switch decision {
            case .giveUp(let reason):
                logger?.debug(
                    "gave up \(attempt)/\(policy.attempts): \(reason.rawValue): \(error)",
                    metadata: ["operation": "\(operation)"])
                throw (error as? TransportError)?.at(nil, attempt: attempt) ?? error
            case .retryTransparently: continue
            case .retry(let delay):
                logger?.debug(
                    "retry \(attempt)/\(policy.attempts) after \(delay.inMilliseconds): \(error)",
                    metadata: ["operation": "\(operation)"])
                do {
                    try await clock.sleep(until: clock.now.advanced(by: delay), tolerance: nil)
                } catch is CancellationError {
                    throw TransportError(
                        .cancelled, "\(operation) was cancelled while it waited for its next attempt", cause: error,
                        attempt: attempt)
                }
            }
        }
    }
}
