public import NodeTransport
internal import Synchronization

/// Keeps calls away from one peer for a while after too many have failed.
public final class CircuitBreaker: Sendable {
    /// Whether calls pass.
    public enum State: Sendable, Hashable {
        /// Calls pass.
        case closed
        /// Calls are refused; from `until` on the next one is let through as a probe.
        case open(until: ContinuousClock.Instant)
        /// One call is let through, and decides.
        case halfOpen
    }

    private struct Storage {
        var machine: BreakerMachine
        var lastFailure: TransportError?
    }

    /// The peer.
    public let endpoint: Endpoint
    private let policy: BreakerPolicy
    private let clock: AnyContinuousClock
    private let storage: Mutex<Storage>
    /// The machine's epoch while it is closed, otherwise 0: lets calls begin without the lock.
    private let closedEpoch: Atomic<UInt64>
    private let tell: @Sendable (BreakerMachine.Change, Endpoint, TransportError?) -> Void

    init(
        _ endpoint: Endpoint, _ policy: BreakerPolicy, _ clock: AnyContinuousClock,
        tell: @escaping @Sendable (BreakerMachine.Change, Endpoint, TransportError?) -> Void
    ) {
        self.endpoint = endpoint
        self.policy = policy
        self.clock = clock
        self.tell = tell
        let machine = BreakerMachine(policy, now: clock.now)
        closedEpoch = Atomic(machine.epoch)
        storage = Mutex(Storage(machine: machine))
    }

    /// How it stands. Open, it stays so until a call comes, even when its time is over.
    public var state: State { storage.withLock { $0.machine.publicState } }

    /// Runs `body` if the breaker lets it pass, and goes by how it ends.
    ///
    /// - Throws: What `body` throws; `TransportError` with `unavailable` and `notProcessed` when the breaker is open.
    public func run<Value>(_ body: () async throws -> Value) async throws -> Value {
        let ticket = try admit()
        do {
            let value = try await body()
            ended(ticket, .success)
            return value
        } catch {
            failed(ticket, error, nil)
            throw error
        }
    }

    /// Lets a call pass, which then must end its ticket.
    ///
    /// - Throws: `TransportError` with `unavailable` and `notProcessed` when the breaker is open.
    func admit() throws(TransportError) -> BreakerMachine.Ticket {
        let epoch = closedEpoch.load(ordering: .relaxed)
        if epoch != 0 { return BreakerMachine.Ticket(epoch: epoch, isProbe: false) }
        let now = clock.now
        let (admission, change, cause) = storage.withLock { storage in
            let (admission, change) = storage.machine.admit(now: now)
            publish(storage.machine)
            return (admission, change, storage.lastFailure)
        }
        if let change { tell(change, endpoint, cause) }
        switch admission {
        case .admitted(let ticket): return ticket
        case .refused(let remaining):
            throw TransportError(
                .unavailable, "the circuit breaker refuses calls for another \(remaining.asWait)", cause: cause,
                origin: .local, processing: .notProcessed, endpoint: endpoint)
        }
    }

    /// A call has failed.
    ///
    /// - Parameter state: How its connection is doing; `nil` where there is none.
    func failed(_ ticket: BreakerMachine.Ticket, _ error: any Error, _ state: ConnectionState?) {
        ended(ticket, BreakerVerdict(of: error, policy, state), error as? TransportError)
    }

    /// What the error of a call says about the peer.
    func verdict(of error: any Error, _ state: ConnectionState?) -> BreakerVerdict {
        BreakerVerdict(of: error, policy, state)
    }

    /// A call has ended.
    func ended(_ ticket: BreakerMachine.Ticket, _ verdict: BreakerVerdict, _ error: TransportError? = nil) {
        if verdict == .neither, !ticket.isProbe { return }
        let now = clock.now
        let change = storage.withLock { storage in
            if verdict == .failure { storage.lastFailure = error }
            let change = storage.machine.ended(ticket, verdict, now: now)
            if change != nil { publish(storage.machine) }
            return change
        }
        if let change { tell(change, endpoint, error) }
    }

    /// Called under the lock.
    private func publish(_ machine: borrowing BreakerMachine) {
        closedEpoch.store(machine.isClosed ? machine.epoch : 0, ordering: .relaxed)
    }
}
