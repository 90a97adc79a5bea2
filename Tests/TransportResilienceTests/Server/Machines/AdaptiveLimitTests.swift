import Testing

@testable import TransportResilience

/// Limits that adapt, at a simulated server whose capacity is known.
@Suite struct AdaptiveLimitTests {
    /// Shorter in reports than the limits.
    enum Algorithm: CaseIterable {
        case gradient, aimd
    }

    private static let workers = 10
    private static let queue = QueueLimit(length: 200, longestWait: .seconds(1))

    private static let gradient = ServerLimits(
        concurrency: .gradient(within: 2...1000, initial: 400, probeInterval: .seconds(5)), queue: queue)
    private static let aimd = ServerLimits(
        concurrency: .aimd(within: 2...1000, initial: 4, latencyBound: .milliseconds(400)), queue: queue)

    private func limits(_ algorithm: Algorithm) -> ServerLimits { algorithm == .aimd ? Self.aimd : Self.gradient }

    private func overloaded(_ server: SimulatedServer) -> SimulatedServer.Load {
        SimulatedServer.Load(rate: server.capacity * 3, patience: .seconds(2))
    }

    @Test(arguments: Algorithm.allCases, 1...2 as ClosedRange<UInt64>)
    func itConvergesToWhatTheServerCanDo(algorithm: Algorithm, seed: UInt64) {
        var server = SimulatedServer(limits(algorithm), workers: Self.workers, serviceTime: 0.1, seed: seed)
        _ = server.run(overloaded(server), seconds: 60)
        for _ in 0..<5 {
            let outcome = server.run(overloaded(server), seconds: 6)
            let limit = server.machine?.currentLimit ?? 0
            #expect(limit >= Self.workers / 4 && limit <= Self.workers * 5, "\(limit), seed \(seed)")
            #expect(Double(outcome.good) >= 0.8 * server.capacity * 6, "\(outcome.good) good, seed \(seed)")
        }
    }

    @Test(arguments: Algorithm.allCases, 1...2 as ClosedRange<UInt64>)
    func itRecoversWhenTheServerDoes(algorithm: Algorithm, seed: UInt64) {
        var server = SimulatedServer(limits(algorithm), workers: Self.workers, serviceTime: 0.1, seed: seed)
        let load = overloaded(server)
        _ = server.run(load, seconds: 30)
        server.serviceTime = 1
        _ = server.run(load, seconds: 30)
        server.serviceTime = 0.1
        _ = server.run(load, seconds: 30)
        let outcome = server.run(load, seconds: 10)
        #expect(Double(outcome.good) >= 0.8 * server.capacity * 10, "\(outcome.good) good, seed \(seed)")
    }

    @Test(arguments: Algorithm.allCases, 1...2 as ClosedRange<UInt64>)
    func itStaysWithinItsBounds(algorithm: Algorithm, seed: UInt64) {
        var limits = self.limits(algorithm)
        limits.concurrency =
            switch algorithm {
            case .gradient: .gradient(within: 5...30, initial: 1000)
            case .aimd: .aimd(within: 5...30, initial: 1000, latencyBound: .milliseconds(400))
            }
        var server = SimulatedServer(limits, workers: Self.workers, serviceTime: 0.1, seed: seed)
        for (rate, time) in [(300.0, 0.1), (10, 0.1), (300, 2), (300, 0.005)] {
            server.serviceTime = time
            for _ in 0..<10 {
                _ = server.run(SimulatedServer.Load(rate: rate), seconds: 1)
                #expect((5...30).contains(server.machine?.currentLimit ?? 0), "seed \(seed)")
            }
            #expect(server.mostRunning <= 30, "seed \(seed)")
        }
    }

    /// A limit that no load has tried does not grow: nothing is known about what lies above.
    @Test(arguments: Algorithm.allCases)
    func itDoesNotGrowUnused(algorithm: Algorithm) {
        var limits = self.limits(algorithm)
        limits.concurrency =
            switch algorithm {
            case .gradient: .gradient(within: 2...1000, initial: 32)
            case .aimd: .aimd(within: 2...1000, initial: 32, latencyBound: .milliseconds(400))
            }
        var server = SimulatedServer(limits, workers: Self.workers, serviceTime: 0.02, seed: 1)
        server.isSpread = false
        _ = server.run(SimulatedServer.Load(rate: 50), seconds: 60)
        #expect((server.machine?.currentLimit ?? 0) <= 32)
    }

    @Test func aimdShrinksOncePerRound() {
        var limit = AIMDLimit(
            AIMDLimit.Settings(
                bounds: .init(1...100), initial: 50, latencyBound: .milliseconds(10), decrease: 0.5))
        let start = ContinuousClock.now
        func sample(began: Int, ended: Int, _ outcome: CallSample.Outcome = .succeeded) -> CallSample {
            CallSample(
                began: start.advanced(by: .milliseconds(began)), ended: start.advanced(by: .milliseconds(ended)),
                outcome: outcome, inUse: 50)
        }
        limit.take(sample(began: 0, ended: 100))
        #expect(limit.current == 25)
        for _ in 0..<10 { limit.take(sample(began: 50, ended: 120)) }
        #expect(limit.current == 25, "they began before")
        limit.take(sample(began: 101, ended: 105, .overloaded))
        #expect(limit.current == 12)
        limit.take(sample(began: 106, ended: 200, .other))
        #expect(limit.current == 12, "the time of a call that failed says nothing")
    }

    @Test func oddNumbersAreBroughtIntoTheirRanges() {
        #expect(ConcurrencyLimit.fixed(-3) == .fixed(1))
        #expect(ConcurrencyLimit.gradient(within: -5...0, tolerance: .nan) == .gradient(within: 1...1, tolerance: 1))
        let aimd = ConcurrencyLimit.aimd(within: 1...2, latencyBound: .zero, decrease: .nan)
        #expect(aimd == .aimd(within: 1...2, latencyBound: .zero, decrease: 0.1))
        #expect(ConcurrencyLimit.fixed(.max).highest == 1_000_000)
    }
}
