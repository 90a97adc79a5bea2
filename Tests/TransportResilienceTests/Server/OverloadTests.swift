import Testing

@testable import TransportResilience

/// Ten times of what a server can do is asked of it for 30 seconds of virtual time.
@Suite struct OverloadTests {
    private static let workers = 4
    private static let serviceTime = 0.04

    private static let limits: [ServerLimits] = [
        ServerLimits(concurrency: .fixed(8), queue: QueueLimit(length: 256)),
        ServerLimits(concurrency: .gradient(within: 2...512), queue: QueueLimit(length: 256)),
        ServerLimits(
            concurrency: .aimd(within: 2...512, latencyBound: .milliseconds(200)), queue: QueueLimit(length: 256)),
    ]

    private func tenfold(_ server: SimulatedServer) -> SimulatedServer.Load {
        SimulatedServer.Load(rate: server.capacity * 10, addresses: 100, patience: .seconds(2))
    }

    /// What the limits are there for: without them the server works on, for nobody.
    @Test func withoutLimitsNearlyAllIsInVain() {
        var server = SimulatedServer(nil, workers: Self.workers, serviceTime: Self.serviceTime, seed: 1)
        let outcome = server.run(tenfold(server), seconds: 30)
        #expect(Double(outcome.good) < 0.1 * server.capacity * 30)
        #expect(outcome.percentile(0.99) > 10)
    }

    @Test(arguments: 0..<3, 1...2 as ClosedRange<UInt64>)
    func withLimitsTheServerDoesWhatItCan(index: Int, seed: UInt64) {
        var server = SimulatedServer(
            Self.limits[index], workers: Self.workers, serviceTime: Self.serviceTime, seed: seed)
        let outcome = server.run(tenfold(server), seconds: 30)
        let goodput = Double(outcome.good) / (server.capacity * 30)
        #expect(goodput >= 0.8, "\(goodput) of capacity, seed \(seed)")
        #expect(outcome.percentile(0.99) <= 0.5, "p99 \(outcome.percentile(0.99)) s, seed \(seed)")
        #expect(Double(outcome.late) <= 0.02 * Double(outcome.good), "\(outcome.late) in vain, seed \(seed)")
    }

    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func memoryIsFlat(seed: UInt64) {
        var limits = Self.limits[0]
        limits.perAddress = AdmissionLimit(rate: CallRate(perSecond: 1_000, burst: 100), maximumCalls: 100)
        limits.maximumStreams = 10
        limits.rememberedPeers = 500
        var server = SimulatedServer(limits, workers: Self.workers, serviceTime: Self.serviceTime, seed: seed)
        var load = tenfold(server)
        load.addresses = 1_000_000
        let mostPeers = 8 + 256 + 10 + 1 + 500
        for _ in 0..<6 {
            _ = server.run(load, seconds: 5)
            let queued = server.machine?.allocatedQueueCount ?? .max
            let peers = server.machine?.knownPeerCount ?? .max
            #expect(queued <= 256, "seed \(seed)")
            #expect(peers <= mostPeers, "seed \(seed)")
        }
        #expect(server.mostWaiting <= 256 && server.mostRunning <= 8)
    }

    /// One address floods; the others hardly notice.
    @Test(arguments: 1...2 as ClosedRange<UInt64>)
    func oneAddressDoesNotTakeThePlaceOfOthers(seed: UInt64) {
        var limits = Self.limits[0]
        limits.perAddress.rate = CallRate(perSecond: 8, burst: 8)
        var server = SimulatedServer(limits, workers: Self.workers, serviceTime: Self.serviceTime, seed: seed)
        // Ten addresses below their rate, and one that asks for thirty times of what the server can do.
        var modest = (offered: 0, good: 0)
        var flooded = 0
        for _ in 0..<300 {
            let calm = server.run(SimulatedServer.Load(rate: 50, addresses: 10), seconds: 0.09)
            modest.offered += calm.offered
            modest.good += calm.good
            let flood = server.run(
                SimulatedServer.Load(rate: server.capacity * 30, addresses: 1, patience: .seconds(1)), seconds: 0.01)
            flooded += flood.good
        }
        #expect(Double(modest.good) >= 0.85 * Double(modest.offered), "\(modest), \(flooded), seed \(seed)")
    }
}
