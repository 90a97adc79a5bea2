import NodeTransport
import QUICEngine
import Testing
import TransportTestKit

/// Whole transfers through bad networks, in virtual time.
@Suite("QUIC transfers under faults")
struct TransferTests {
    private static let megabyte = 1 << 20

    @Test func `50 of 50 handshakes succeed at 30 percent loss`() throws {
        // A flight that was lost is repeated after 1, 2, 4, 8… s (RFC 9002 §6.2): 10 s are over after four.
        var configuration = QUICConfiguration()
        configuration.handshakeTimeout = .seconds(60)
        var times: [Duration] = []
        for seed in UInt64(0)..<50 {
            let conditions = LinkConditions(delay: .milliseconds(20), loss: 0.3)
            let lab = try TransferLab(seed: seed, conditions, client: configuration, server: configuration)
            do {
                try lab.handshake(within: .seconds(60))
                times.append(lab.elapsed)
            } catch {
                Issue.record("seed \(seed): \(lab.client.closes) \(lab.server.closes) \(error)")
            }
        }
        times.sort()
        // A bound on what is usual, not on the worst.
        #expect(times.count == 50 && times[45] < .seconds(10))
        report("50 handshakes at 30 % loss, median \(times[25]), longest", 0, times[49])
    }

    @Test func `The same seed gives the same run`() throws {
        func run() throws -> [SimulationTrace.Entry] {
            var conditions = LinkConditions(delay: .milliseconds(20), loss: 0.1)
            conditions.jitter = .milliseconds(20)
            conditions.corruption = 0.05
            let lab = try TransferLab(seed: 11, conditions)
            let connection = try lab.handshake()
            try lab.transfer(.random(100_000, seed: 1), over: connection, within: .seconds(30))
            return lab.network.trace.entries
        }
        #expect(try run() == run())
    }

    @Test(arguments: UInt64(0)..<3)
    func `2 MB arrive intact at 2 percent loss and 2 percent corruption`(seed: UInt64) throws {
        var conditions = LinkConditions(delay: .milliseconds(20), loss: 0.02)
        conditions.corruption = 0.02
        let lab = try TransferLab(seed: seed, conditions)
        let connection = try lab.handshake()
        let time = try lab.transfer(.random(2 * Self.megabyte, seed: seed), over: connection, within: .seconds(120))
        let statistics = lab.network.statistics(from: "client", to: "server")
        #expect(statistics.corrupted > 10 && statistics.lost > 10)
        report("2 MB at 2 % loss and 2 % corruption", seed, time)
        try lab.finish()
    }

    @Test func `10 MB pass through blackouts of 2 s after every 5 s`() throws {
        var conditions = LinkConditions(delay: .milliseconds(20))
        // So slow that there are several.
        conditions.rateLimit = .init(bytesPerSecond: 750_000, queueBytes: 64 << 10)
        conditions.blackouts = .init(up: .seconds(5), down: .seconds(2))
        let lab = try TransferLab(seed: 5, conditions)
        let connection = try lab.handshake()
        let time = try lab.transfer(.random(10 * Self.megabyte, seed: 5), over: connection, within: .seconds(180))
        #expect(lab.network.statistics(from: "client", to: "server").cutOff > 0)
        #expect(time > .seconds(12), "no blackout was met")
        report("10 MB through blackouts at 750 kB/s", 5, time)
        try lab.finish()
    }

    @Test(arguments: [1200, 1280, 1400])
    func `A path that swallows large packets is used with small ones`(limit: Int) throws {
        var conditions = LinkConditions(delay: .milliseconds(20))
        conditions.maximumDatagramBytes = limit
        let lab = try TransferLab(seed: 6, conditions)
        let connection = try lab.handshake()
        let time = try lab.transfer(.random(Self.megabyte, seed: 6), over: connection, within: .seconds(30))
        #expect(lab.network.statistics(from: "client", to: "server").blackHoled > 0, "no probe met the limit")
        report("1 MB over a path of \(limit) bytes", 6, time)
        try lab.finish()
    }

    /// RFC 8899 §4.3: ngtcp2 0.12 does not look again at a path that it has measured.
    @Test(arguments: [false, true])
    func `A black hole that appears in the middle of a transfer is found, and passed with small packets`(
        hasTicks: Bool
    ) throws {
        let lab = try TransferLab(seed: 7)
        let connection = try lab.handshake()
        try lab.transfer(.random(Self.megabyte, seed: 7), over: connection, within: .seconds(30))
        #expect(connection.maxDatagramBytes > 1300)
        var conditions = LinkConditions(delay: .milliseconds(20))
        conditions.maximumDatagramBytes = 1200
        lab.network.setConditions(conditions, between: "client", and: "server")
        let start = lab.elapsed
        let stream = try connection.openStream(isBidirectional: false)
        lab.client.send(stream, .random(Self.megabyte, seed: 8), isLast: true)
        // Small packets that pass all the time, so that no probe timeout follows another.
        let ticker = try connection.openStream(isBidirectional: false)
        var nextTick = lab.elapsed
        try lab.run(for: .seconds(120)) {
            if hasTicks, lab.elapsed >= nextTick {
                nextTick = lab.elapsed + .milliseconds(50)
                lab.client.send(ticker, [1], isLast: false)
            }
            return lab.server.ended.contains(stream.id) || !lab.client.closes.isEmpty
        }
        #expect(lab.client.closes.isEmpty)
        #expect(lab.server.received[stream.id].map { Bytes($0) } == .random(Self.megabyte, seed: 8))
        #expect(connection.statistics.blackHoles == 1)
        #expect((1100..<1200).contains(connection.maxDatagramBytes))
        #expect(lab.elapsed - start < .seconds(10))
        report("1 MB into a new black hole", 7, lab.elapsed - start)
        try lab.finish()
    }

    @Test func `A black hole is found by datagrams alone, which then shrink`() throws {
        let lab = try TransferLab(seed: 9)
        let connection = try lab.handshake()
        try lab.transfer(.random(Self.megabyte, seed: 7), over: connection, within: .seconds(30))
        let before = connection.maxDatagramBytes
        #expect(before > 1300)
        var conditions = LinkConditions(delay: .milliseconds(20))
        conditions.maximumDatagramBytes = 1200
        lab.network.setConditions(conditions, between: "client", and: "server")
        // Datagrams are not repeated, and nothing probes for them: that they are lost shows when something else arrives.
        let ticker = try connection.openStream(isBidirectional: false)
        let start = lab.elapsed
        for step in 0..<200 { lab.network.at(start + .milliseconds(20 * step)) { _ in } }
        var step = 0
        try lab.run(for: .seconds(4)) {
            if lab.elapsed >= start + .milliseconds(20 * step) {
                step += 1
                if step % 2 == 0 {
                    lab.client.send(ticker, [1], isLast: false)
                } else {
                    let datagram = Bytes([UInt8](repeating: 7, count: connection.maxDatagramBytes))
                    _ = try? connection.sendDatagram(datagram)
                }
            }
            return !lab.server.datagrams.isEmpty
        }
        #expect((1100..<1200).contains(connection.maxDatagramBytes))
        #expect(connection.statistics.blackHoles == 1)
        try lab.finish()
    }

    @Test func `Packets that were small because of a black hole grow again on another path`() throws {
        let lab = try TransferLab(seed: 8)
        let connection = try lab.handshake()
        try lab.transfer(.random(Self.megabyte, seed: 7), over: connection, within: .seconds(30))
        var conditions = LinkConditions(delay: .milliseconds(20))
        conditions.maximumDatagramBytes = 1200
        lab.network.setConditions(conditions, between: "client", and: "server")
        try lab.transfer(.random(Self.megabyte, seed: 8), over: connection, within: .seconds(30))
        #expect(connection.statistics.blackHoles == 1 && connection.maxDatagramBytes < 1200)
        conditions.maximumDatagramBytes = nil
        lab.network.setConditions(conditions, between: "client", and: "server")
        let local = lab.network.host("client").address(1001)
        lab.simulation.attach(lab.clientSide, at: local)
        try connection.migrate(to: QUICAddress(local), isImmediate: true, now: lab.now)
        try lab.transfer(.random(Self.megabyte, seed: 9), over: connection, within: .seconds(30))
        #expect(connection.maxDatagramBytes > 1300 && connection.statistics.blackHoles == 1)
        try lab.finish()
    }

    @Test(arguments: UInt64(0)..<3)
    func `Order, copies and jitter change nothing of what arrives`(seed: UInt64) throws {
        var conditions = LinkConditions(delay: .milliseconds(20))
        conditions.jitter = .milliseconds(10)
        conditions.reordering = 0.1
        conditions.reorderingDelay = .milliseconds(30)
        conditions.duplication = 0.1
        let lab = try TransferLab(seed: seed, conditions)
        let connection = try lab.handshake()
        let time = try lab.transfer(.random(2 * Self.megabyte, seed: seed), over: connection, within: .seconds(60))
        let statistics = lab.network.statistics(from: "client", to: "server")
        #expect(statistics.reordered > 10 && statistics.duplicated > 10)
        report("2 MB with 10 % out of order and 10 % twice", seed, time)
        try lab.finish()
    }

    @Test(arguments: [0.0, 0.05])
    func `A transfer goes on when a translator gives the client another address`(loss: Double) throws {
        var conditions = LinkConditions(delay: .milliseconds(20), loss: loss)
        conditions.rateLimit = .init(bytesPerSecond: 2_000_000, queueBytes: 128 << 10)
        let lab = try TransferLab(seed: 9, conditions)
        let connection = try lab.handshake()
        let (home, world) = (lab.network.host("client"), lab.network.host("translator"))
        lab.network.setConditions(conditions, between: "translator", and: "server")
        for (index, time) in [0.4, 0.9].enumerated() {
            lab.network.at(.seconds(time)) {
                $0.rebind(home.address(1000), to: world.address(2000 + UInt16(index)))
            }
        }
        let time = try lab.transfer(.random(2 * Self.megabyte, seed: 9), over: connection, within: .seconds(60))
        #expect(time > .seconds(0.9), "the address changed too late to matter")
        #expect(lab.server.pathChanges.map(\.remote.port).contains(2001))
        #expect(lab.server.connection?.path.remote.simulated == world.address(2001))
        report("2 MB with two new addresses at \(Int(loss * 100)) % loss", 9, time)
        try lab.finish()
    }
}

/// Figures for whoever runs a suite by hand.
func report(_ what: String, _ seed: UInt64, _ time: Duration) {
    guard FaultSeeds.isVerbose else { return }
    print("\(what), seed \(seed): \(time) of virtual time")
}
