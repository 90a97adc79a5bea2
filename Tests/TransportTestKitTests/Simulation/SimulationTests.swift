import NodeTransport
import Testing
import TransportTestKit

/// Sends numbers until each is acknowledged, one at a time (stop and wait), and hands them over in order.
private final class Repeater: SimulatedParticipant {
    let (address, peer): (SimulatedAddress, SimulatedAddress)
    let total: Int
    private(set) var received: [Int] = []
    private(set) var acknowledged = 0
    private(set) var times: [Int64] = []
    private var outbox: [SimulatedDatagram] = []
    private var deadline: Int64?
    private var isStarted = false

    init(_ address: SimulatedAddress, peer: SimulatedAddress, total: Int) {
        (self.address, self.peer, self.total) = (address, peer, total)
    }

    /// A kind, a number and a check, as datagrams may be damaged.
    private func message(_ kind: UInt8, _ number: Int) -> SimulatedDatagram {
        let head = [kind, UInt8(number >> 8 & 0xff), UInt8(number & 0xff)]
        return SimulatedDatagram(Bytes(head + head.map { ~$0 }), from: address, to: peer)
    }

    func receive(_ datagram: SimulatedDatagram, now: Int64) {
        times.append(now)
        let bytes = Array(datagram.payload)
        guard bytes.count == 6, bytes[3...].map({ ~$0 }) == Array(bytes[..<3]) else { return }
        let number = Int(bytes[1]) << 8 | Int(bytes[2])
        switch bytes[0] {
        case 1:
            if number == received.count { received.append(number) }
            if number < received.count { outbox.append(message(2, number)) }
        case 2 where number == acknowledged:
            acknowledged += 1
            deadline = nil
        default: break
        }
    }

    var nextDeadline: Int64? { deadline }

    func handleTimeout(now: Int64) {
        times.append(now)
        deadline = nil
    }

    func pollTransmit(now: Int64) -> SimulatedDatagram? {
        if let reply = outbox.popLast() { return reply }
        guard acknowledged < total, deadline == nil else { return nil }
        deadline = now + 100_000_000
        return message(1, acknowledged)
    }
}

/// Does what a test wants, in particular wrong things.
private final class Odd: SimulatedParticipant {
    var nextDeadline: Int64?
    var onTimeout: (Int64) -> Void = { _ in }
    var onTransmit: () -> SimulatedDatagram? = { nil }
    var onReceive: (SimulatedDatagram) -> Void = { _ in }

    func receive(_ datagram: SimulatedDatagram, now: Int64) { onReceive(datagram) }
    func handleTimeout(now: Int64) { onTimeout(now) }
    func pollTransmit(now: Int64) -> SimulatedDatagram? { onTransmit() }
}

@Suite("Engines on a simulated network")
struct SimulationTests {
    @Test("A toy protocol survives a bad link, both ways at once", arguments: UInt64(0)..<20)
    func repeater(seed: UInt64) throws {
        let simulation = Simulation(seed: seed)
        var conditions = LinkConditions(delay: .milliseconds(10), loss: 0.3)
        conditions.jitter = .milliseconds(10)
        conditions.reordering = 0.1
        conditions.duplication = 0.1
        conditions.corruption = 0.1
        simulation.network.setConditions(conditions, between: "a", and: "b")
        let (a, b) = (simulation.network.host("a").address(1), simulation.network.host("b").address(1))
        let one = Repeater(a, peer: b, total: 200)
        let other = Repeater(b, peer: a, total: 100)
        simulation.attach(one, at: a)
        simulation.attach(other, at: b)
        try simulation.run(
            while: { one.acknowledged < 200 || other.acknowledged < 100 }, for: .seconds(300))
        #expect(other.received == Array(0..<200), "seed \(seed)")
        #expect(one.received == Array(0..<100), "seed \(seed)")
        // Time never goes back.
        #expect(one.times == one.times.sorted() && other.times == other.times.sorted(), "seed \(seed)")
        let statistics = simulation.network.statistics(from: "a", to: "b")
        #expect(statistics.lost > 0 && statistics.corrupted > 0 && statistics.duplicated > 0, "seed \(seed)")
    }

    @Test func timeoutsComeAtTheirTimeAndInOrder() throws {
        let simulation = Simulation(seed: 1)
        var log: [(Int, Int64)] = []
        for (index, deadline) in [(0, Int64(30)), (1, 10), (2, 20), (3, 10)] {
            let participant = Odd()
            participant.nextDeadline = deadline
            participant.onTimeout = { [unowned participant] now in
                log.append((index, now))
                participant.nextDeadline = nil
            }
            simulation.attach(participant, at: simulation.network.host("h\(index)").address(1))
        }
        try simulation.run(until: .nanoseconds(25))
        #expect(log.map(\.0) == [1, 3, 2] && log.map(\.1) == [10, 10, 20])
        #expect(simulation.now == 25)
        try simulation.run(until: .seconds(1))
        #expect(log.map(\.1) == [10, 10, 20, 30])
        #expect(simulation.now == 1_000_000_000)
    }

    @Test func datagramsOfOneMomentArriveInTheOrderOfSending() throws {
        let simulation = Simulation(seed: 1)
        let (sender, receiver) = (Odd(), Odd())
        let (from, to) = (simulation.network.host("a").address(1), simulation.network.host("b").address(1))
        var (next, seen) = (UInt8(0), [UInt8]())
        sender.onTransmit = {
            guard next < 100 else { return nil }
            next += 1
            return SimulatedDatagram([next], from: from, to: to)
        }
        receiver.onReceive = { seen += Array($0.payload) }
        simulation.attach(sender, at: from)
        simulation.attach(receiver, at: to)
        try simulation.run(until: .zero)
        #expect(seen == Array(1...100))
    }

    @Test("A deadline that does not go away ends the run, and the error has the seed")
    func standingDeadline() throws {
        let simulation = Simulation(seed: 4_711)
        let participant = Odd()
        participant.nextDeadline = 5
        simulation.attach(participant, at: simulation.network.host("a").address(1))
        let error = #expect(throws: SimulationError.self) { try simulation.run(until: .seconds(1)) }
        #expect(error?.code == .livelock)
        #expect(error?.description.contains("seed 4711") == true)
        #expect(error?.time == .nanoseconds(5))
    }

    @Test func endlessSendingEndsTheRun() throws {
        let simulation = Simulation(seed: 1)
        let (participant, address) = (Odd(), simulation.network.host("a").address(1))
        participant.onTransmit = { SimulatedDatagram([1], from: address, to: address) }
        simulation.attach(participant, at: address)
        let error = #expect(throws: SimulationError.self) { try simulation.run(until: .seconds(1)) }
        #expect(error?.code == .livelock)
        #expect(error?.trace.contains("10.0.0.1:1") == true)
    }

    @Test func stepsAreLimited() throws {
        let simulation = Simulation(seed: 1)
        simulation.stepLimit = 50
        let participant = Odd()
        participant.nextDeadline = 1
        participant.onTimeout = { [unowned participant] now in participant.nextDeadline = now + 1 }
        simulation.attach(participant, at: simulation.network.host("a").address(1))
        let error = #expect(throws: SimulationError.self) { try simulation.run(until: .seconds(1)) }
        #expect(error?.code == .stepLimit && error?.time == .nanoseconds(50))
    }

    @Test(arguments: [true, false])
    func aConditionThatStaysIsAnErrorThatSaysWhy(isBusy: Bool) throws {
        let simulation = Simulation(seed: 1)
        let participant = Odd()
        if isBusy {
            participant.nextDeadline = 0
            participant.onTimeout = { [unowned participant] in participant.nextDeadline = $0 + 1_000_000_000 }
        }
        simulation.attach(participant, at: simulation.network.host("a").address(1))
        let error = #expect(throws: SimulationError.self) { try simulation.run(while: { true }, for: .seconds(10)) }
        #expect(error?.code == (isBusy ? .timeLimit : .stalled))
    }

    @Test func aParticipantMayHaveSeveralAddresses() throws {
        let simulation = Simulation(seed: 1)
        let participant = Odd()
        var seen: [SimulatedAddress] = []
        participant.onReceive = { seen.append($0.destination) }
        let addresses = [UInt16(1), 2].map { simulation.network.host("a").address($0) }
        for address in addresses { simulation.attach(participant, at: address) }
        let socket = try simulation.network.host("b").bind(0)
        for address in addresses { socket.send([1], to: address) }
        try simulation.run(until: .seconds(1))
        #expect(seen == addresses)
    }
}
