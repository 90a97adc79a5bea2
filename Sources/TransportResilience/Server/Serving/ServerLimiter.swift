internal import NodeTransport
internal import Synchronization

/// The admission machine behind a lock, and who waits for it. Decisions are made under the lock; whoever waits is
/// resumed, and events are told, outside it.
final class ServerLimiter: Sendable {
    typealias Machine = AdmissionMachine<CheckedContinuation<Permit, any Error>>
    typealias Permit = AdmissionPermit

    private struct Storage {
        var machine: Machine
        var random: JitterSource
        var isTimerRunning = false
        var numbers: [MethodName: Int] = [:]
    }

    /// Which place a parked call has in the queue, once it has one.
    private final class Parking: Sendable {
        let ticket = Mutex<SlotTicket?>(nil)
    }

    private let storage: Mutex<Storage>
    private let clock: AnyContinuousClock
    private let onEvent: ResilienceObserver
    private let countsAddresses: Bool
    private let countsIdentities: IdentityKey?

    init(_ limits: ServerLimits, clock: AnyContinuousClock, onEvent: @escaping ResilienceObserver) {
        self.clock = clock
        self.onEvent = onEvent
        countsAddresses = !limits.perAddress.isUnlimited
        countsIdentities = limits.perIdentity.isUnlimited ? nil : limits.identityKey
        storage = Mutex(Storage(machine: Machine(limits, now: clock.now), random: JitterSource()))
    }

    /// The number under which the times of `method` are kept, the same for every listener.
    func number(of method: MethodName) -> Int {
        storage.withLock { storage in
            if let number = storage.numbers[method] { return number }
            let number = storage.numbers.count
            storage.numbers[method] = number
            return number
        }
    }

    /// Leave to begin `method` for `context`; waits for it where it has to.
    ///
    /// - Throws: `TransportError` that names the limit that was hit.
    func enter(_ context: ServerContext, _ method: LimitedMethod) async throws -> Permit {
        let call = arriving(context, method)
        let now = clock.now
        switch storage.withLock({ $0.machine.arrive(call, now: now, chance: $0.random.next()) }) {
        case .begin(let permit): return permit
        case .refuse(let refusal): throw refused(refusal, method.name, context.remoteEndpoint)
        case .wait: return try await park(call, context, method)
        }
    }

    /// A call that had leave is over; whoever waits may begin.
    func leave(_ permit: Permit, _ outcome: CallSample.Outcome) {
        let now = clock.now
        let effects = storage.withLock { $0.machine.finish(permit, outcome, now: now, chance: $0.random.next()) }
        perform(effects)
    }

    private func arriving(_ context: ServerContext, _ method: LimitedMethod) -> ArrivingCall {
        ArrivingCall(
            method: method.number, isStream: method.isStream, weight: method.weight,
            deadline: context.deadline?.instant,
            address: countsAddresses ? AddressKey(context.remoteEndpoint) : nil,
            identity: countsIdentities.flatMap { key in context.peer.map { IdentityCountKey($0, by: key) } })
    }

    func hasPassed(_ deadline: Deadline?) -> Bool { deadline?.hasPassed(now: clock.now) ?? false }

    // MARK: Waiting

    private func park(_ call: ArrivingCall, _ context: ServerContext, _ method: LimitedMethod) async throws -> Permit {
        let parking = Parking()
        let permit: Permit
        do {
            permit = try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { park($0, call, parking) }
            } onCancel: {
                storage.withLock { storage in
                    parking.ticket.withLock { $0 }.flatMap { storage.machine.cancel($0) }
                }?.resume(throwing: CancellationError())
            }
        } catch let error as RefusedWhileWaiting {
            throw refused(error.refusal, method.name, context.remoteEndpoint)
        }
        // The place came together with the cancellation, or too late.
        guard !Task.isCancelled else {
            leave(permit, .other)
            throw CancellationError()
        }
        if hasPassed(context.deadline) {
            leave(permit, .other)
            throw refused(.tooLate, method.name, context.remoteEndpoint)
        }
        return permit
    }

    private func park(_ continuation: CheckedContinuation<Permit, any Error>, _ call: ArrivingCall, _ parking: Parking)
    {
        let now = clock.now
        let (decision, startsTimer) = storage.withLock { storage -> (Machine.Decision?, Bool) in
            // The cancellation handler takes out what it finds, so ask again under the lock.
            guard !Task.isCancelled else { return (nil, false) }
            let decision = storage.machine.arrive(
                call, waiter: continuation, now: now, chance: storage.random.next())
            guard case .wait(let ticket) = decision else { return (decision, false) }
            parking.ticket.withLock { $0 = ticket }
            defer { storage.isTimerRunning = true }
            return (decision, !storage.isTimerRunning)
        }
        switch decision {
        case nil: continuation.resume(throwing: CancellationError())
        case .begin(let permit): continuation.resume(returning: permit)
        case .refuse(let refusal): continuation.resume(throwing: RefusedWhileWaiting(refusal: refusal))
        case .wait: if startsTimer { startTimer() }
        }
    }

    private func startTimer() {
        // Ends by itself once nobody waits, which is after the longest wait at the latest.
        Task.detached { [clock] in
            while let instant = self.nextExpiry() {
                try? await clock.sleep(until: instant)
                let now = clock.now
                self.perform(self.storage.withLock { $0.machine.expire(now: now, chance: $0.random.next()) })
            }
        }
    }

    private func nextExpiry() -> ContinuousClock.Instant? {
        let now = clock.now
        return storage.withLock { storage in
            let next = storage.machine.nextExpiry(now: now)
            if next == nil { storage.isTimerRunning = false }
            return next
        }
    }

    private func perform(_ effects: Machine.Effects) {
        for (waiter, permit) in effects.begun { waiter.resume(returning: permit) }
        for (waiter, _, refusal) in effects.refused { waiter.resume(throwing: RefusedWhileWaiting(refusal: refusal)) }
        if let limit = effects.newLimit {
            onEvent(ResilienceEvent(.limitChanged, limit: ServerLimit.concurrency.rawValue, detail: "\(limit)"))
        }
    }

    // MARK: Refusing

    private struct RefusedWhileWaiting: Error {
        let refusal: Refusal
    }

    private func refused(_ refusal: Refusal, _ method: MethodName, _ endpoint: Endpoint) -> TransportError {
        let kind: ResilienceEvent.Kind = refusal.limit == .deadline ? .shed : .refusedByLimit
        let error = refusal.error
        onEvent(
            ResilienceEvent(
                kind, endpoint: endpoint, method: method, limit: refusal.limit.rawValue, detail: error.message))
        return error
    }
}

extension Refusal {
    /// The status that the caller gets.
    var error: TransportError {
        var entries = [Metadata.Entry(key: ServerLimit.trailer, value: .text(limit.rawValue))]
        guard let retryAfter else {
            return TransportError(
                .deadlineExceeded, "\(limit.rawValue): the deadline passed before the call began",
                processing: .notProcessed, metadata: Metadata(entries: entries))
        }
        let milliseconds = max(Int((retryAfter / .milliseconds(1)).rounded(.up)), 1)
        entries.append(Metadata.Entry(key: "grpc-retry-pushback-ms", value: .text(String(milliseconds))))
        return TransportError(
            .resourceExhausted, "\(limit.rawValue): \(limit.explanation); come back after \(milliseconds) ms",
            processing: .notProcessed, metadata: Metadata(entries: entries))
    }
}
