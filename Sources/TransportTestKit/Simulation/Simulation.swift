/// Runs engines without I/O on a ``SimulatedNetwork``, on the calling thread.
///
/// ```swift
/// let simulation = Simulation(seed: 7)
/// simulation.attach(client, at: simulation.network.host("client").address(1))
/// simulation.attach(server, at: simulation.network.host("server").address(443))
/// try simulation.run(while: { !client.isDone }, for: .seconds(60))
/// ```
public final class Simulation {
    public let network: SimulatedNetwork
    /// How many steps one run takes at most; a step is one moment at which something happens.
    public var stepLimit = 1_000_000
    /// How many steps, and how many datagrams of one participant, there may be while time stands still.
    public var momentLimit = 10_000

    private var participants: [any SimulatedParticipant] = []
    private var places: [SimulatedAddress: Int] = [:]

    /// Runs on `network`.
    public init(_ network: SimulatedNetwork) { self.network = network }

    /// Runs on a network of its own.
    public convenience init(seed: UInt64) { self.init(SimulatedNetwork(seed: seed)) }

    deinit { for address in places.keys { network.removeParticipant(at: address) } }

    /// The time, in nanoseconds since the beginning.
    public var now: Int64 { network.nanoseconds }

    /// Gives what arrives at `address` to `participant`. It may have several addresses; who is attached first is asked
    /// first. An address has one participant, the last that was attached.
    public func attach(_ participant: any SimulatedParticipant, at address: SimulatedAddress) {
        if let place = participants.firstIndex(where: { $0 === participant }) {
            places[address] = place
        } else {
            places[address] = participants.count
            participants.append(participant)
        }
        network.addParticipant(at: address)
    }

    /// Runs until the time is `end` since the beginning.
    ///
    /// - Throws: ``SimulationError`` when it does not come to that.
    public func run(until end: Duration) throws(SimulationError) {
        try run(until: end.simulatedNanoseconds) { true }
        network.step(to: end.simulatedNanoseconds)
    }

    /// Runs as long as `condition` holds.
    ///
    /// - Parameters:
    ///   - condition: Asked at each step, with everything sent.
    ///   - limit: How long that may take.
    /// - Throws: ``SimulationError`` when it still holds after `limit`, when nothing is left that could happen, or when
    ///   it comes to neither.
    public func run(while condition: () -> Bool, for limit: Duration) throws(SimulationError) {
        let end = now + limit.simulatedNanoseconds
        try run(until: end, while: condition)
        guard condition() else { return }
        throw network.error(nextEvent == nil ? .stalled : .timeLimit)
    }

    private func run(until end: Int64, while condition: () -> Bool) throws(SimulationError) {
        var (steps, moment) = (0, SimulatedNetwork.Moment())
        try transmit()
        while condition(), let next = nextEvent, next <= end {
            steps += 1
            guard steps <= stepLimit else { throw network.error(.stepLimit) }
            network.step(to: next) { datagram in
                guard let place = places[datagram.destination] else { return }
                participants[place].receive(datagram, now: network.nanoseconds)
            }
            guard moment.goesOn(at: now, limit: momentLimit) else { throw network.error(.livelock) }
            for participant in participants {
                if let deadline = participant.nextDeadline, deadline <= now { participant.handleTimeout(now: now) }
            }
            try transmit()
        }
    }

    private var nextEvent: Int64? {
        participants.reduce(network.nextEvent) { next, participant in
            guard let deadline = participant.nextDeadline else { return next }
            return next.map { min($0, deadline) } ?? deadline
        }
    }

    private func transmit() throws(SimulationError) {
        for participant in participants {
            var count = 0
            while let datagram = participant.pollTransmit(now: now) {
                network.send(datagram)
                count += 1
                guard count <= momentLimit else { throw network.error(.livelock) }
            }
        }
    }
}
