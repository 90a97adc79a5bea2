internal import NodeTransport
internal import Synchronization

/// A network for datagrams that loses, delays, reorders and damages them as it is told, by a seed and on virtual time.
///
/// The same seed and the same traffic give the same run to the last bit. Engines without I/O are run on it by a
/// ``Simulation``; asynchronous code binds a ``SimulatedSocket`` and sleeps on ``clock``.
///
/// ```swift
/// let network = SimulatedNetwork(seed: 7)
/// network.setConditions(LinkConditions(delay: .milliseconds(20), loss: 0.1), between: "alice", and: "bob")
/// network.at(.seconds(3)) { $0.cut(between: "alice", and: "bob") }
/// let socket = try network.host("alice").bind(4433)
/// ```
///
/// Move the time through the network (``advance(by:)``, ``drive(timeLimit:_:)``) and not by its clock alone, or what is
/// under way arrives late.
public final class SimulatedNetwork: Sendable {
    /// The seed, for the message of a failing test.
    public let seed: UInt64
    /// The network's time.
    public let clock: VirtualClock
    private let beginning: ContinuousClock.Instant
    private let state: Mutex<NetworkState>

    /// A perfect network without hosts.
    ///
    /// - Parameters:
    ///   - seed: Decides every accident.
    ///   - clock: The time; now is the network's beginning.
    ///   - traceCapacity: How many entries ``trace`` keeps.
    ///   - maximumUnderWay: How many datagrams are under way at most; more are dropped as by a full queue.
    ///   - tracesPayloads: Whether the digest of ``trace`` covers payloads; to no avail where they are encrypted with keys
    ///     that no seed repeats.
    public init(
        seed: UInt64, clock: VirtualClock = VirtualClock(), traceCapacity: Int = 4_096, maximumUnderWay: Int = 100_000,
        tracesPayloads: Bool = true
    ) {
        self.seed = seed
        self.clock = clock
        beginning = clock.now
        state = Mutex(
            NetworkState(
                seed: seed, traceCapacity: traceCapacity, maximumUnderWay: maximumUnderWay,
                tracesPayloads: tracesPayloads))
    }

    /// The time since the beginning.
    public var now: Duration { beginning.duration(to: clock.now) }

    /// ``now`` in nanoseconds.
    package var nanoseconds: Int64 { now.simulatedNanoseconds }

    // MARK: Hosts

    /// The host with this name, made when it is first asked for; hosts are numbered from 1 in that order.
    public func host(_ name: String) -> SimulatedHost {
        SimulatedHost(network: self, name: name, number: state.withLock { $0.host(named: name) })
    }

    // MARK: Conditions

    /// The conditions of links that have not been used or set yet.
    public func setDefaultConditions(_ conditions: LinkConditions) {
        state.withLock { $0.defaultConditions = conditions }
    }

    /// Sets what happens to the datagrams from one host to another, from now on.
    public func setConditions(_ conditions: LinkConditions, from: String, to: String) {
        withLink(from, to) { $0.conditions = conditions }
    }

    /// As ``setConditions(_:from:to:)``, in both directions.
    public func setConditions(_ conditions: LinkConditions, between one: String, and other: String) {
        setConditions(conditions, from: one, to: other)
        setConditions(conditions, from: other, to: one)
    }

    /// The conditions from one host to another.
    public func conditions(from: String, to: String) -> LinkConditions { withLink(from, to) { $0.conditions } }

    /// Lets nothing more into the link from one host to another; what is under way arrives.
    public func cut(from: String, to: String) { withLink(from, to) { $0.isCut = true } }

    /// Parts two hosts: nothing passes either way.
    public func cut(between one: String, and other: String) {
        cut(from: one, to: other)
        cut(from: other, to: one)
    }

    /// Takes back what cut the two hosts off, in both directions.
    public func heal(between one: String, and other: String) {
        withLink(one, other) { $0.isCut = false }
        withLink(other, one) { $0.isCut = false }
    }

    /// Lets nothing more out of a host or into it, whatever hosts are added later; what is under way gets lost.
    public func cutOff(_ name: String) { state.withLock { $0.setCutOff(true, name) } }

    /// Takes ``cutOff(_:)`` back.
    public func reconnect(_ name: String) { state.withLock { $0.setCutOff(false, name) } }

    /// From now on the world sees `address` as `new`, as when a network address translator forgets a mapping and makes
    /// another: datagrams to the address it had before go nowhere. The host itself notices nothing.
    public func rebind(_ address: SimulatedAddress, to new: SimulatedAddress) {
        state.withLock { $0.rebind(address, to: new) }
    }

    /// Runs `action` when the time is `time` since the beginning; when that is past, with the next step.
    public func at(_ time: Duration, _ action: @escaping @Sendable (SimulatedNetwork) -> Void) {
        state.withLock { $0.schedule(action, at: time.simulatedNanoseconds) }
    }

    // MARK: What happened

    /// What became of the datagrams from one host to another.
    public func statistics(from: String, to: String) -> LinkStatistics { withLink(from, to) { $0.statistics } }

    /// The latest events, for the message of a failing test.
    public var trace: SimulationTrace { state.withLock { $0.trace } }

    // MARK: Time

    /// Moves the time on; everything that is due meanwhile happens at its own time, sleepers of ``clock`` included.
    ///
    /// - Throws: ``SimulationError`` when sockets' callbacks answer each other without end while time stands still.
    public func advance(by duration: Duration) throws(SimulationError) {
        let target = nanoseconds + duration.simulatedNanoseconds
        var moment = Moment()
        while let next = nextEvent, next <= target {
            step(to: next)
            guard moment.goesOn(at: nanoseconds) else { throw error(.livelock) }
        }
        step(to: target)
    }

    /// Counts the steps during which time stands still.
    struct Moment {
        private var time: Int64 = -1
        private var steps = 0

        /// Whether so many steps are still believable.
        mutating func goesOn(at time: Int64, limit: Int = 10_000) -> Bool {
            steps = time == self.time ? steps + 1 : 0
            self.time = time
            return steps <= limit
        }
    }

    private static let almostANanosecond = Duration(secondsComponent: 0, attosecondsComponent: 999_999_999)

    /// When something happens next of itself: an arrival, an action, the end of a sleep.
    package var nextEvent: Int64? {
        let arrival = state.withLock { $0.nextEvent }
        // Rounded up: who sleeps until a part of a nanosecond is not woken before.
        let wakeUp = clock.nextWakeUp.map { (beginning.duration(to: $0) + Self.almostANanosecond).simulatedNanoseconds }
        guard let arrival, let wakeUp else { return arrival ?? wakeUp }
        return min(arrival, wakeUp)
    }

    var activity: Int { state.withLock { $0.activity } }

    /// Moves the clock to `time`, or leaves it where it is when that is past, and hands over what is due.
    ///
    /// - Parameter participant: Takes what arrives at an address without a socket.
    package func step(to time: Int64, participant: (SimulatedDatagram) -> Void = { _ in }) {
        clock.advance(to: beginning.advanced(by: .nanoseconds(time)))
        let now = nanoseconds
        // What this brings about at the same moment is the next step's, so that a step ends.
        let bound = state.withLock { $0.eventCount }
        while let due = state.withLock({ $0.popDue(now: now, before: bound) }) {
            switch due {
            case .datagram(let datagram, let socket?): socket.deliver(datagram)
            case .datagram(let datagram, nil): participant(datagram)
            case .action(let action): action(self)
            case .nothing: break
            }
        }
    }

    // MARK: Traffic

    func send(_ datagram: SimulatedDatagram) {
        let now = nanoseconds
        state.withLock { $0.send(datagram, now: now) }
    }

    func add(_ make: (UInt16) -> SimulatedSocket, host: UInt32, port: UInt16) throws -> SimulatedSocket {
        try state.withLock { state in
            guard let port = port == 0 ? state.freePort(of: host) : port else {
                throw TransportError(.resourceExhausted, "no free port")
            }
            let address = SimulatedAddress(host: host, port: port)
            guard state.sockets[address] == nil, !state.participants.contains(address) else {
                throw TransportError(.alreadyExists, "\(address) is in use")
            }
            let socket = make(port)
            state.sockets[address] = socket
            state.activity += 1
            return socket
        }
    }

    func remove(_ socket: SimulatedSocket) {
        state.withLock { state in
            state.activity += 1
            if state.sockets[socket.address] === socket { state.sockets[socket.address] = nil }
        }
    }

    func addParticipant(at address: SimulatedAddress) { state.withLock { _ = $0.participants.insert(address) } }
    func removeParticipant(at address: SimulatedAddress) { state.withLock { _ = $0.participants.remove(address) } }

    package func error(_ code: SimulationError.Code) -> SimulationError {
        SimulationError(code: code, seed: seed, time: now, trace: trace.text())
    }

    private func withLink<Result: Sendable>(
        _ from: String, _ to: String, _ body: @Sendable (inout LinkState) -> Result
    ) -> Result {
        state.withLock { state in
            let path = NetworkState.Path(from: state.host(named: from), to: state.host(named: to))
            return state.withLink(path, body)
        }
    }
}

/// A host of a ``SimulatedNetwork``.
public struct SimulatedHost: Sendable {
    public let network: SimulatedNetwork
    public let name: String
    /// Its number in addresses.
    public let number: UInt32

    /// An address of this host.
    public func address(_ port: UInt16) -> SimulatedAddress { SimulatedAddress(host: number, port: port) }

    /// Binds a socket.
    ///
    /// - Parameters:
    ///   - port: 0 asks for a free one.
    ///   - queueLimit: How many datagrams wait for ``SimulatedSocket/receive()``; more push the oldest out.
    ///   - onReceive: Takes each datagram instead, on whatever thread moves the time.
    /// - Throws: `TransportError` with `alreadyExists` when the port is taken.
    public func bind(
        _ port: UInt16, queueLimit: Int = 1_024, onReceive: (@Sendable (SimulatedDatagram) -> Void)? = nil
    ) throws -> SimulatedSocket {
        try bind(port, queueLimit: queueLimit, hearsOfRefusals: false, onReceive: onReceive)
    }

    /// As ``bind(_:queueLimit:onReceive:)``; and whether it is told what nobody took.
    package func bind(
        _ port: UInt16, queueLimit: Int = 1, hearsOfRefusals: Bool,
        onReceive: (@Sendable (SimulatedDatagram) -> Void)?
    ) throws -> SimulatedSocket {
        try network.add(
            { port in
                SimulatedSocket(
                    network: network, address: address(port), queueLimit: queueLimit,
                    hearsOfRefusals: hearsOfRefusals, onReceive: onReceive)
            }, host: number, port: port)
    }
}
