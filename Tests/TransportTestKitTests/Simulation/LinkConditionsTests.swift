import NodeTransport
import Testing
import TransportTestKit

@Suite("Conditions of a simulated link")
struct LinkConditionsTests {
    static let seeds: [UInt64] = [1, 2, 3]

    @Test func aPerfectLinkDeliversAllAtOnceAndInOrder() throws {
        let traffic = try Traffic(seed: 1)
        try traffic.send(100)
        #expect(traffic.numbers == Array(0..<100))
        #expect(traffic.arrivals.map(\.time) == (0..<100).map { .milliseconds($0) })
        #expect(traffic.statistics.sent == 100 && traffic.statistics.delivered == 100)
        #expect(traffic.statistics.deliveredBytes == 10_000)
    }

    @Test("Losses are as frequent as was asked", arguments: seeds, [0.05, 0.5])
    func loss(seed: UInt64, probability: Double) throws {
        let traffic = try Traffic(seed: seed) { $0.loss = probability }
        try traffic.send(10_000, every: .microseconds(1))
        let share = Double(traffic.statistics.lost) / 10_000
        // Five standard deviations.
        #expect(abs(share - probability) < 0.025, "seed \(seed)")
        #expect(traffic.numbers.count == 10_000 - traffic.statistics.lost, "seed \(seed)")
    }

    @Test("Losses in bursts have the length and the frequency that was asked", arguments: seeds)
    func burstLoss(seed: UInt64) throws {
        let traffic = try Traffic(seed: seed) { $0.burstLoss = .init(start: 0.01, length: 8) }
        try traffic.send(20_000, every: .microseconds(1))
        let arrived = Set(traffic.numbers)
        let missing = (0..<20_000).filter { !arrived.contains($0) }
        let bursts = missing.count { arrived.contains($0 - 1) || $0 == 0 }
        let mean = Double(missing.count) / Double(bursts)
        #expect((6...10.5).contains(mean), "seed \(seed)")
        #expect((0.05...0.10).contains(Double(missing.count) / 20_000), "seed \(seed)")
    }

    @Test("Jitter delays within its bounds and keeps the order", arguments: seeds)
    func jitter(seed: UInt64) throws {
        let traffic = try Traffic(seed: seed) {
            $0.delay = .milliseconds(20)
            $0.jitter = .milliseconds(5)
        }
        try traffic.send(1_000)
        #expect(traffic.numbers == Array(0..<1_000), "seed \(seed)")
        let delays = traffic.arrivals.map { $0.time - .milliseconds($0.number) }
        #expect(delays.allSatisfy { $0 >= .milliseconds(20) && $0 <= .milliseconds(25) }, "seed \(seed)")
        #expect(Set(delays).count > 100, "seed \(seed)")
        #expect(traffic.statistics.reordered == 0, "seed \(seed)")
    }

    @Test("Datagrams that are held back are overtaken", arguments: seeds)
    func reordering(seed: UInt64) throws {
        let traffic = try Traffic(seed: seed) {
            $0.reordering = 0.1
            $0.reorderingDelay = .microseconds(3_500)
        }
        try traffic.send(5_000)
        #expect(traffic.numbers.sorted() == Array(0..<5_000), "seed \(seed)")
        let late = traffic.arrivals.count { $0.time - .milliseconds($0.number) == .microseconds(3_500) }
        #expect((400...600).contains(late), "seed \(seed)")
        // Each is overtaken unless the three behind it are held back too.
        #expect((late - 10...late).contains(traffic.statistics.reordered), "seed \(seed)")
    }

    @Test("Copies are made and counted", arguments: seeds)
    func duplication(seed: UInt64) throws {
        let traffic = try Traffic(seed: seed) { $0.duplication = 0.2 }
        try traffic.send(5_000, every: .microseconds(1))
        let copies = traffic.numbers.count - Set(traffic.numbers).count
        #expect((850...1_150).contains(copies), "seed \(seed)")
        #expect(copies == traffic.statistics.duplicated, "seed \(seed)")
        #expect(Set(traffic.numbers).count == 5_000, "seed \(seed)")
    }

    @Test("A damaged datagram has one to three wrong bits", arguments: seeds)
    func corruption(seed: UInt64) throws {
        let traffic = try Traffic(seed: seed) { $0.corruption = 0.3 }
        try traffic.send(2_000)
        // In order, so that the numbers are known even where they are damaged.
        try #require(traffic.arrivals.count == 2_000)
        let flips = zip(0..., traffic.arrivals).map { number, arrival in
            zip(Traffic.payload(number, 100), arrival.datagram.payload).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
        }
        #expect(flips.allSatisfy { $0 <= 3 }, "seed \(seed)")
        #expect(Set(flips) == [0, 1, 2, 3], "seed \(seed)")
        #expect(flips.count { $0 > 0 } == traffic.statistics.corrupted, "seed \(seed)")
        #expect((500...700).contains(traffic.statistics.corrupted), "seed \(seed)")
    }

    @Test func aBottleneckLetsThroughItsRateAndItsQueueIsBounded() throws {
        let traffic = try Traffic(seed: 1) {
            $0.rateLimit = .init(bytesPerSecond: 100_000, queueBytes: 5_000, markingThresholdBytes: 2_000)
        }
        // Twice what passes, for a second.
        try traffic.send(200, bytes: 1_000, every: .milliseconds(5))
        let inTime = traffic.arrivals.count { $0.time <= .seconds(1) }
        #expect((99...101).contains(inTime))
        #expect((90...96).contains(traffic.statistics.queueDropped))
        #expect(traffic.statistics.delivered + traffic.statistics.queueDropped == 200)
        // What waits is at most the queue.
        let delays = traffic.arrivals.map { $0.time - .milliseconds(5 * $0.number) }
        #expect(delays.allSatisfy { $0 <= .milliseconds(50) } && delays.contains { $0 > .milliseconds(40) })
        #expect(traffic.numbers == traffic.numbers.sorted())
        // Marked are those that found more than 20 ms of queue.
        for arrival in traffic.arrivals {
            let waited = arrival.time - .milliseconds(5 * arrival.number) - .milliseconds(10)
            let isMarked = arrival.datagram.ecn == .congestionExperienced
            #expect(isMarked == (waited > .milliseconds(20)))
        }
        #expect(traffic.statistics.marked > 50)
    }

    @Test func whoDoesNotSpeakECNIsNotMarked() throws {
        let traffic = try Traffic(seed: 1) {
            $0.rateLimit = .init(bytesPerSecond: 100_000, queueBytes: 5_000, markingThresholdBytes: 0)
        }
        try traffic.send(100, bytes: 1_000, ecn: .notCapable)
        #expect(traffic.statistics.marked == 0)
        #expect(traffic.arrivals.allSatisfy { $0.datagram.ecn == .notCapable } && !traffic.arrivals.isEmpty)
    }

    @Test(arguments: [LinkConditions.ECNTreatment.preserved, .bleached])
    func marksAreKeptOrErased(treatment: LinkConditions.ECNTreatment) throws {
        let traffic = try Traffic(seed: 1) { $0.ecn = treatment }
        for mark in [ECNMark.capable0, .capable1, .congestionExperienced] {
            try traffic.send(1, ecn: mark)
        }
        let kept: [ECNMark] = [.capable0, .capable1, .congestionExperienced]
        #expect(
            traffic.arrivals.map(\.datagram.ecn)
                == (treatment == .preserved ? kept : [.notCapable, .notCapable, .notCapable]))
    }

    @Test func longDatagramsVanishInABlackHole() throws {
        let traffic = try Traffic(seed: 1) { $0.maximumDatagramBytes = 1_200 }
        try traffic.send(2, bytes: 1_200)
        try traffic.send(3, bytes: 1_201)
        #expect(traffic.statistics.delivered == 2 && traffic.statistics.blackHoled == 3)
    }

    @Test func aLinkCanBeDeadAtIntervals() throws {
        let traffic = try Traffic(seed: 1) {
            $0.blackouts = .init(up: .seconds(5), down: .seconds(2), beginning: .seconds(1))
        }
        try traffic.send(20, every: .seconds(1))
        #expect(traffic.numbers == (0..<20).filter { $0 < 1 || ($0 - 1) % 7 < 5 })
        #expect(traffic.statistics.cutOff == 20 - traffic.numbers.count)
    }

    @Test("A cut concerns the directions that were named, and is healed")
    func cut() throws {
        let network = SimulatedNetwork(seed: 1)
        let hosts = ["a", "b", "c"].map { network.host($0) }
        let sockets = try hosts.map { try $0.bind(1, onReceive: { _ in }) }
        func exchange() throws {
            for one in sockets { for other in sockets where one !== other { one.send([1], to: other.address) } }
            try network.advance(by: .seconds(1))
        }
        func delivered(_ from: String, _ to: String) -> Int { network.statistics(from: from, to: to).delivered }
        network.cut(from: "a", to: "b")
        try exchange()
        #expect([delivered("a", "b"), delivered("b", "a"), delivered("a", "c")] == [0, 1, 1])
        network.cut(between: "a", and: "b")
        try exchange()
        #expect([delivered("a", "b"), delivered("b", "a"), delivered("a", "c")] == [0, 1, 2])
        network.heal(between: "a", and: "b")
        try exchange()
        #expect([delivered("a", "b"), delivered("b", "a"), delivered("a", "c")] == [1, 2, 3])
        #expect(network.statistics(from: "a", to: "b").cutOff == 2)
    }

    @Test func conditionsChangeAtTheirTimeAndInTheirDirection() throws {
        let traffic = try Traffic(seed: 1) { $0.delay = .milliseconds(1) }
        traffic.network.at(.seconds(5)) { network in
            var conditions = network.conditions(from: "a", to: "b")
            conditions.loss = 1
            network.setConditions(conditions, from: "a", to: "b")
        }
        traffic.network.at(.seconds(8)) { $0.setConditions(LinkConditions(), from: "a", to: "b") }
        try traffic.send(10, every: .seconds(1), rest: .seconds(1))
        #expect(traffic.numbers == [0, 1, 2, 3, 4, 8, 9])
        #expect(traffic.arrivals.last?.time == .seconds(9))
    }

    @Test("A rebinding changes what the world sees, and makes the old address void")
    func rebinding() throws {
        let traffic = try Traffic(seed: 1)
        let (inner, other) = (traffic.sender.address, traffic.receiver.address)
        let shown = SimulatedAddress(host: 77, port: 999)
        try traffic.send(1)
        traffic.network.at(.seconds(20)) { $0.rebind(inner, to: shown) }
        try traffic.network.advance(by: .seconds(20))
        try traffic.send(1)
        #expect(traffic.arrivals.map(\.datagram.source) == [inner, shown])
        // Answers to the old address are lost; those to the new one reach the host under its own.
        traffic.receiver.send([1], to: inner)
        traffic.receiver.send([2], to: shown)
        try traffic.network.advance(by: .seconds(1))
        let back = traffic.network.statistics(from: "b", to: "a")
        #expect(back.undeliverable == 1 && back.delivered == 1)
        // And once more.
        let next = SimulatedAddress(host: 78, port: 1_000)
        traffic.network.rebind(inner, to: next)
        try traffic.send(1)
        #expect(traffic.arrivals.last?.datagram.source == next)
        #expect(traffic.arrivals.allSatisfy { $0.datagram.destination == other })
    }

    @Test func whatIsUnderWayIsBounded() throws {
        let network = SimulatedNetwork(seed: 1, maximumUnderWay: 10)
        network.setDefaultConditions(LinkConditions(delay: .seconds(1)))
        let (one, other) = (try network.host("a").bind(1), try network.host("b").bind(1, onReceive: { _ in }))
        for _ in 0..<25 { one.send([1], to: other.address) }
        try network.advance(by: .seconds(2))
        let statistics = network.statistics(from: "a", to: "b")
        #expect(statistics.delivered == 10 && statistics.queueDropped == 15)
    }
}
