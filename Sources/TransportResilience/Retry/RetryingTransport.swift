public import Logging
public import NodeTransport

extension Transport {
    /// This transport with calls that are tried again.
    ///
    /// ```swift
    /// let transport = GRPCTransport(…).retrying(logger: logger)
    /// ```
    ///
    /// A call is sent again where `policy` has a class for its error and it is idempotent (its ``/NodeTransport/Method`` says so), or
    /// the wire proves that the peer has not seen it. A stream is sent again only until the caller has its first message
    /// or its initial metadata, and only while all that it sent fits into the replay buffer. The next attempt asks for
    /// another peer than those that failed (``/NodeTransport/CallRouting/avoided``) and says in `grpc-previous-rpc-attempts` how many
    /// came before it; the call's deadline bounds all of them.
    ///
    /// Connecting is not retried, and neither is a call on a connection that has begun to close: a channel does that.
    ///
    /// - Parameters:
    ///   - policy: What is tried again, how often and after what delay.
    ///   - budgets: What retries are taken from, one budget for each endpoint connected to; `nil` for no bound.
    ///   - logger: Where each retry is logged, at debug level.
    ///   - clock: What delays pass on.
    ///   - randomness: Numbers within 0..<1, for the jitter.
    ///   - onEvent: Takes ``ResilienceEvent/Kind/retried`` and ``ResilienceEvent/Kind/retryBudgetExhausted``.
    public func retrying<C: Clock>(
        _ policy: RetryPolicy = .default,
        budgets: RetryBudgets? = RetryBudgets(),
        logger: Logger? = nil,
        clock: C = ContinuousClock(),
        randomness: @escaping @Sendable () -> Double = { .random(in: 0..<1) },
        onEvent: ResilienceObserver? = nil
    ) -> some Transport where C.Instant == ContinuousClock.Instant {
        RetryingTransport(
            base: self, policy: policy, budgets: budgets, logger: logger, clock: AnyContinuousClock(clock),
            randomness: randomness, onEvent: onEvent)
    }
}

struct RetryingTransport<Base: Transport>: Transport {
    let base: Base
    let policy: RetryPolicy
    let budgets: RetryBudgets?
    let logger: Logger?
    let clock: AnyContinuousClock
    let randomness: @Sendable () -> Double
    let onEvent: ResilienceObserver?

    func connect(to endpoint: Endpoint) async throws -> any Connection {
        let (connection, calls) = try await BudgetedCalls.connected(budgets?.budget(for: endpoint), .all) {
            try await base.connect(to: endpoint)
        }
        let context = RetryContext(
            policy: policy, calls: calls, endpoint: endpoint, choosesPeers: connection.choosesPeersPerCall,
            clock: clock, randomness: randomness, logger: logger, onEvent: onEvent)
        return RetryingConnection(base: connection, context: context)
    }

    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        try await base.listen(on: endpoint, serving: table)
    }

    func shutdown(within grace: Duration) async { await base.shutdown(within: grace) }
}

/// A connection whose calls are tried again.
struct RetryingConnection: ConnectionWrapper {
    let base: any Connection
    let context: RetryContext

    func unary(_ head: CallHead, _ request: Bytes) async throws -> UnaryReply {
        let budget = context.calls.began(head)
        defer { budget?.callEnded() }
        do {
            // Without a time-out of its own the first attempt needs no head of its own.
            if context.hasAttemptTimeout { return try await base.unary(context.timed(head), request) }
            return try await base.unary(head, request)
        } catch {
            return try await retryUnary(head, request, after: error)
        }
    }

    func open(_ head: CallHead) async throws -> any ClientCall {
        let budget = context.calls.began(head)
        do {
            return RetryingCall(StreamAttempts(try await base.open(head), head, self), budget)
        } catch {
            do {
                return RetryingCall(try await retryOpen(head, after: error), budget)
            } catch {
                budget?.callEnded()
                throw error
            }
        }
    }

    private func retryUnary(_ head: CallHead, _ request: Bytes, after error: any Error) async throws -> UnaryReply {
        try await retry(head, after: error) { try await base.unary(context.timed($0), request) }.value
    }

    private func retryOpen(_ head: CallHead, after error: any Error) async throws -> StreamAttempts {
        let (call, retried) = try await retry(head, after: error) { try await base.open($0) }
        return StreamAttempts(call, head, self, retried)
    }

    /// The attempts after the first.
    private func retry<Value>(
        _ head: CallHead, after error: any Error, _ body: (CallHead) async throws -> Value
    ) async throws -> (value: Value, RetriedCall) {
        var call = RetriedCall(head, context)
        var error = error
        while true {
            let step = call.failed(with: error, state: base.state, isCancelled: Task.isCancelled)
            context.tell(step, head)
            guard let delay = step.delay else { throw step.finalError }
            try await context.wait(delay, before: head, after: step)
            do {
                return (try await body(call.nextHead), call)
            } catch let next {
                error = next
            }
        }
    }
}
