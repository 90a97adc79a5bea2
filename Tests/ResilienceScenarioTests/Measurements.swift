import NodeTransport

/// How one call went.
struct CallOutcome: Sendable, Equatable {
    var number: Int
    var isIdempotent: Bool
    /// When it was made, from the first call on.
    var start: Duration
    /// How long its caller waited.
    var latency: Duration
    /// `nil` for a good answer.
    var error: StatusCode?

    /// A good answer within the deadline.
    var isGood: Bool { error == nil && latency <= Scenario.deadline }
}

/// What one client has seen, and what the servers have seen of it.
struct Measurements: Sendable, Equatable {
    /// In the order of the calls.
    let outcomes: [CallOutcome]
    /// How often each call was begun at a server.
    let executions: [Int: Int]
    /// Kinds of ``ResilienceEvent``.
    let events: [String: Int]

    /// Attempts that have reached a server's handler.
    var attempts: Int { executions.values.reduce(0, +) }

    /// Calls that must not be done twice and were.
    var doubled: [Int] {
        outcomes.filter { !$0.isIdempotent && executions[$0.number, default: 0] > 1 }.map(\.number)
    }

    /// The part of the calls made in each virtual second that had a good answer.
    var goodput: [Double] {
        seconds.map { calls in Double(calls.count { $0.isGood }) / Double(max(calls.count, 1)) }
    }

    /// The 99th percentile of the latency of the calls made in each virtual second; one that had no good answer counts
    /// as the whole deadline.
    var p99: [Duration] { p99 { _ in true } }

    /// The same, of the calls that `isMeant`.
    func p99(_ isMeant: (CallOutcome) -> Bool) -> [Duration] {
        seconds.map { calls in
            let calls = calls.filter(isMeant)
            let latencies = calls.map { $0.isGood ? $0.latency : Scenario.deadline }.sorted()
            // Nearest rank.
            let rank = (latencies.count * 99 + 99) / 100
            return latencies.isEmpty ? .zero : latencies[max(rank - 1, 0)]
        }
    }

    /// The calls made within `range` that had no good answer.
    func failureCount(_ range: Range<Duration>) -> Int { outcomes.count { range.contains($0.start) && !$0.isGood } }

    private var seconds: [[CallOutcome]] {
        var seconds = Array(repeating: [CallOutcome](), count: Int(Scenario.length / .seconds(1)))
        for outcome in outcomes { seconds[Int(outcome.start / .seconds(1))].append(outcome) }
        return seconds
    }
}

/// One run: both clients, the same servers, the same fault.
struct Comparison: Sendable, Equatable {
    let fault: Fault
    let naive: Measurements
    let resilient: Measurements

    /// From the beginning of the fault to its end.
    var faultyTime: Range<Duration> { Fault.start..<fault.end }
}
