import Foundation
import NodeTransport
import Testing

/// What a client is worth while servers and the network fail, over the real transport and in virtual time.
@Suite(.timeLimit(.minutes(10))) struct ResilienceScenarioTests {
    private static let seed: UInt64 = 6
    /// After a fault begins or ends, for how long calls may suffer.
    private static let window = Duration.seconds(2)
    /// Twice the delay of a hedged copy, and more than 10 times what a call takes.
    private static let latencyBound = Duration.milliseconds(200)
    /// What `RetryBudget.Limits` grants without calls: 3, and 3 more each 10 s.
    private static let floor = 3 * (1 + Int(Scenario.length / .seconds(10)))

    @Test(arguments: Fault.allCases)
    func `Calls go on through a fault, without a storm of retries and none done twice`(_ fault: Fault) async throws {
        Self.check(try await Scenario.run(fault, seed: Self.seed))
    }

    @Test func `The same seed gives the same answers at the same times`() async throws {
        let first = try await Scenario.run(.flap, seed: 7, callsPerSecond: 10)
        let second = try await Scenario.run(.flap, seed: 7, callsPerSecond: 10)
        #expect(first == second)
    }

    /// `TRANSPORT_WRITE_CHART=docs/resilience/faults.svg` says where to.
    @Test(.enabled(if: chartPath != nil))
    func `The chart of all scenarios is written`() async throws {
        let path = try #require(Self.chartPath)
        var runs: [Comparison] = []
        for fault in Fault.allCases {
            let run = try await Scenario.run(fault, seed: Self.seed, callsPerSecond: 100)
            Self.check(run)
            runs.append(run)
        }
        try Data(ScenarioChart(runs).svg.utf8).write(to: URL(fileURLWithPath: path))
    }

    private static let chartPath = ProcessInfo.processInfo.environment["TRANSPORT_WRITE_CHART"]

    private static func check(_ run: Comparison) {
        let (naive, resilient) = (run.naive, run.resilient)
        let about = Comment(rawValue: "\(run.fault), seed \(seed): \(resilient.goodput), naive \(naive.goodput)")
        #expect(resilient.outcomes.count == naive.outcomes.count, about)

        for (second, goodput) in resilient.goodput.enumerated() where !isNearChange(second, run.fault) {
            #expect(goodput >= 0.95, "second \(second) of \(about)")
        }
        let failures = (naive: naive.failureCount(run.faultyTime), resilient: resilient.failureCount(run.faultyTime))
        #expect(failures.naive >= 20, "the fault is one: \(about)")
        #expect(failures.resilient * 3 <= failures.naive, about)

        checkLatency(run, about)

        let calls = Double(resilient.outcomes.count)
        #expect(Double(resilient.attempts) <= 1.2 * calls + Double(floor), "\(resilient.events) \(about)")
        #expect(resilient.doubled.isEmpty, about)
        #expect(naive.doubled.isEmpty, about)
    }

    /// In each second of a fault the naive client has calls that wait in vain. Of the resilient one, idempotent calls do
    /// not even then, and others do not once it has reacted.
    private static func checkLatency(_ run: Comparison, _ about: Comment) {
        let (naive, resilient) = (run.naive, run.resilient)
        let idempotent = resilient.p99 { $0.isIdempotent }
        for second in resilient.p99.indices {
            let time = Duration.seconds(second)
            let isFaulty = run.faultyTime.contains(time)
            if time < Fault.start || time >= Fault.start + run.fault.idempotentReaction {
                #expect(idempotent[second] <= latencyBound, "idempotent calls, second \(second) of \(about)")
            }
            let isOver = time < Fault.start || time >= run.fault.end + window
            if isOver || isFaulty && run.fault.reaction.map({ time >= Fault.start + $0 }) == true {
                #expect(resilient.p99[second] <= latencyBound, "all calls, second \(second) of \(about)")
            }
            if isFaulty { #expect(naive.p99[second] >= latencyBound * 4, "second \(second) of \(about)") }
        }
    }

    private static func isNearChange(_ second: Int, _ fault: Fault) -> Bool {
        [Fault.start, fault.end].contains { change in
            Duration.seconds(second) >= change && Duration.seconds(second) < change + window
        }
    }
}
