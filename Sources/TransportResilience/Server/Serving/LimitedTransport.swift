public import NodeTransport

extension Transport {
    /// This transport with listeners that take on no more than `limits` allow. The limits are those of all listeners of
    /// the transport together; connections that it makes, and datagrams, pass as they are.
    ///
    /// Calls are admitted on the connection's event loop before any handler runs, also before those that run
    /// concurrently: a refusal costs nothing but the loop's time. A handler that computes on the loop without ever
    /// waiting has the loop for itself anyway: such calls queue in the sockets, where only rates limit them, so what
    /// computes for long should be declared `concurrent`.
    ///
    /// Every refusal is `resourceExhausted`, begins its message with the name of the limit, carries it in the trailer
    /// `transport-limit`, and asks by `grpc-retry-pushback-ms` to come back after a time that was computed and
    /// jittered. A call whose deadline passed before it could begin ends with `deadlineExceeded`. See ``ServerLimit``
    /// for what the push-back does not allow.
    ///
    /// - Parameters:
    ///   - limits: How much is taken on.
    ///   - clock: What the time is read from.
    ///   - onEvent: Hears of each refusal (`refused_by_limit`, `shed`), and of limits that adapt (`limit_changed`).
    public func limited<C: Clock>(
        _ limits: ServerLimits = .default, clock: C = ContinuousClock(),
        onEvent: @escaping ResilienceObserver = { _ in }
    ) -> some Transport where C.Instant == ContinuousClock.Instant {
        LimitedTransport(base: self, limits: limits, clock: AnyContinuousClock(clock), onEvent: onEvent)
    }
}

/// A transport whose listeners admit calls.
struct LimitedTransport<Base: Transport>: Transport {
    let base: Base
    private let weights: [MethodName: MethodWeight]
    private let limiter: ServerLimiter

    init(base: Base, limits: ServerLimits, clock: AnyContinuousClock, onEvent: @escaping ResilienceObserver) {
        self.base = base
        weights = limits.weights
        limiter = ServerLimiter(limits, clock: clock, onEvent: onEvent)
    }

    func connect(to endpoint: Endpoint) async throws -> any Connection { try await base.connect(to: endpoint) }

    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        let limited = table.mapHandlers { handler in
            let weight = weights[handler.name] ?? .units(1)
            guard weight != .exempt else { return handler }
            let number = limiter.number(of: handler.name)
            return limiter.wrap(handler, LimitedMethod(handler, number: number, weight: weight.units))
        }
        return try await base.listen(on: endpoint, serving: limited)
    }

    func shutdown(within grace: Duration) async { await base.shutdown(within: grace) }
}

/// A method as the limiter knows it.
struct LimitedMethod {
    let name: MethodName
    let number: Int
    let isStream: Bool
    let weight: Int

    init(_ handler: MethodHandler, number: Int, weight: Int) {
        name = handler.name
        self.number = number
        isStream = handler.shape != .unary
        self.weight = weight
    }
}

extension ServerLimiter {
    /// `handler` behind this limiter.
    fileprivate func wrap(_ handler: MethodHandler, _ method: LimitedMethod) -> MethodHandler {
        var wrapped = handler
        // Admission runs on the loop; what ran elsewhere goes there once it is admitted, so that calls queue here and
        // not in the executor.
        wrapped.execution = .eventLoop
        let isConcurrent = handler.execution == .concurrent
        switch handler.body {
        case .unary(let body):
            wrapped.body = .unary { request, context in
                try await self.serving(context, method) {
                    guard isConcurrent else { return try await body(request, context) }
                    return try await Self.offTheLoop { try await body(request, context) }
                }
            }
        case .stream(let body):
            wrapped.body = .stream { context in
                try await self.serving(context, method) {
                    guard isConcurrent else { return try await body(context) }
                    try await Self.offTheLoop { try await body(context) }
                }
            }
        }
        return wrapped
    }

    /// Runs `body` on the global pool.
    private static func offTheLoop<Response: Sendable>(
        _ body: @Sendable () async throws -> Response
    ) async throws -> Response {
        try await withTaskExecutorPreference(globalConcurrentExecutor) {
            // The preference alone moves nothing: a task that began on the loop at once stays there until it suspends.
            await Task.yield()
            return try await body()
        }
    }

    private func serving<Response>(
        _ context: ServerContext, _ method: LimitedMethod, _ body: () async throws -> Response
    ) async throws -> Response {
        let permit = try await enter(context, method)
        do {
            let response = try await body()
            leave(permit, .succeeded)
            return response
        } catch {
            leave(permit, outcome(of: error, context))
            throw error
        }
    }

    /// Whether a failure says that there was too much to do.
    private func outcome(of error: any Error, _ context: ServerContext) -> CallSample.Outcome {
        switch (error as? TransportError)?.code {
        case .resourceExhausted, .deadlineExceeded: .overloaded
        default: hasPassed(context.deadline) ? .overloaded : .other
        }
    }
}
