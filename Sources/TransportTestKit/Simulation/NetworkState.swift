internal import NodeTransport

/// A ``SimulatedNetwork`` without its lock and clock: pure state and decisions.
struct NetworkState {
    struct Path: Hashable {
        var from: UInt32
        var to: UInt32
    }

    enum Event {
        case arrival(LinkState.Passing, Path)
        case action(@Sendable (SimulatedNetwork) -> Void)
    }

    /// What the network has to hand over outside of its lock.
    enum Due {
        case datagram(SimulatedDatagram, SimulatedSocket?)
        case action(@Sendable (SimulatedNetwork) -> Void)
        /// It went nowhere.
        case nothing
    }

    let seed: UInt64
    let maximumUnderWay: Int
    var defaultConditions = LinkConditions()
    var trace: SimulationTrace
    var sockets: [SimulatedAddress: SimulatedSocket] = [:]
    /// Who takes what arrives at an address without a socket.
    var participants: Set<SimulatedAddress> = []
    /// Counts whatever happens, so that a driver can see whether something does.
    var activity = 0
    private(set) var hostNames: [String: UInt32] = [:]
    private var links: [Path: LinkState] = [:]
    private var events = EventHeap<Event>()
    private var underWay = 0
    private var cutOffHosts: Set<UInt32> = []
    /// What a network address translator shows the world, by the address behind it, and the way back.
    private var outside: [SimulatedAddress: SimulatedAddress] = [:]
    private var inside: [SimulatedAddress: SimulatedAddress] = [:]

    init(seed: UInt64, traceCapacity: Int, maximumUnderWay: Int, tracesPayloads: Bool = true) {
        self.seed = seed
        self.maximumUnderWay = maximumUnderWay
        trace = SimulationTrace(capacity: traceCapacity, coversPayloads: tracesPayloads)
    }

    var nextEvent: Int64? { events.nextTime }

    // MARK: Hosts and links

    mutating func host(named name: String) -> UInt32 {
        if let number = hostNames[name] { return number }
        let number = UInt32(hostNames.count + 1)
        hostNames[name] = number
        return number
    }

    /// A port that nobody has; `nil` when all are taken.
    func freePort(of host: UInt32) -> UInt16? {
        (49_152...UInt16.max).first {
            let address = SimulatedAddress(host: host, port: $0)
            return sockets[address] == nil && !participants.contains(address)
        }
    }

    mutating func withLink<Result>(_ path: Path, _ body: (inout LinkState) -> Result) -> Result {
        // Each link draws numbers of its own, so that what one carries changes nothing for another.
        var mixed = SeededRandom(seed: seed ^ (UInt64(path.from) << 32 | UInt64(path.to)))
        let seed = mixed.next()
        return body(
            &links[path, default: LinkState(conditions: defaultConditions, random: SeededRandom(seed: seed))])
    }

    mutating func setCutOff(_ isCutOff: Bool, _ name: String) {
        let host = host(named: name)
        if isCutOff { cutOffHosts.insert(host) } else { cutOffHosts.remove(host) }
    }

    private func isCutOff(_ path: Path) -> Bool {
        !cutOffHosts.isEmpty && (cutOffHosts.contains(path.from) || cutOffHosts.contains(path.to))
    }

    mutating func rebind(_ address: SimulatedAddress, to new: SimulatedAddress) {
        outside[address].map { inside[$0] = nil }
        outside[address] = new
        inside[new] = address
    }

    // MARK: Traffic

    mutating func send(_ datagram: SimulatedDatagram, now: Int64) {
        activity += 1
        var datagram = datagram
        // The way is that of the host itself, whatever address it shows.
        let from = datagram.source.host
        datagram.source = outside[datagram.source] ?? datagram.source
        let path = Path(from: from, to: (inside[datagram.destination] ?? datagram.destination).host)
        trace.append(.sent, datagram, at: now)
        guard !isCutOff(path) else {
            withLink(path) { $0.cutOff(datagram) }
            return trace.append(.cutOff, datagram, at: now)
        }
        var passing: [LinkState.Passing] = []
        let fate = withLink(path) { $0.send(datagram, now: now, passing: &passing) }
        if case .dropped(let reason) = fate { trace.append(reason, datagram, at: now) }
        for copy in passing {
            guard underWay < maximumUnderWay else {
                withLink(path) { $0.statistics.queueDropped += 1 }
                trace.append(.queueFull, datagram, at: now)
                continue
            }
            underWay += 1
            events.insert(.arrival(copy, path), at: copy.arrival)
        }
    }

    /// Tells a sender that wants to know. It takes the link's way back, and may get lost on it.
    private mutating func refuse(_ datagram: SimulatedDatagram, now: Int64) {
        guard !datagram.isRefusal, sockets[inside[datagram.source] ?? datagram.source]?.hearsOfRefusals == true else {
            return
        }
        var refusal = SimulatedDatagram(Bytes(), from: datagram.destination, to: datagram.source)
        refusal.isRefusal = true
        send(refusal, now: now)
    }

    mutating func schedule(_ action: @escaping @Sendable (SimulatedNetwork) -> Void, at time: Int64) {
        events.insert(.action(action), at: time)
    }

    /// How many events there have been.
    var eventCount: Int { events.nextOrder }

    /// Takes the next thing whose time has come, of the first `bound` events.
    mutating func popDue(now: Int64, before bound: Int) -> Due? {
        guard let event = events.popFirst(upTo: now, enteredBefore: bound) else { return nil }
        activity += 1
        switch event {
        case .action(let action): return .action(action)
        case .arrival(let passing, let path):
            underWay -= 1
            guard !isCutOff(path) else {
                withLink(path) { $0.statistics.cutOff += 1 }
                trace.append(.cutOff, passing.datagram, at: now)
                return .nothing
            }
            var datagram = passing.datagram
            let shown = datagram.destination
            datagram.destination = inside[shown] ?? shown
            let isVoid = inside[shown] == nil && outside[shown] != nil && outside[shown] != shown
            let socket = sockets[datagram.destination]
            guard !isVoid, socket != nil || participants.contains(datagram.destination) else {
                withLink(path) { $0.statistics.undeliverable += 1 }
                trace.append(.undeliverable, passing.datagram, at: now)
                refuse(datagram, now: now)
                return .nothing
            }
            withLink(path) { $0.delivered(passing) }
            trace.append(.delivered, passing.datagram, at: now)
            return .datagram(datagram, socket)
        }
    }
}
