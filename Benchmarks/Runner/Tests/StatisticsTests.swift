internal import Testing

@testable internal import bench_runner

@Suite struct StatisticsTests {
    @Test func medianOfOddAndEvenCounts() throws {
        let odd = try #require(Spread([5, 1, 3]))
        #expect((odd.median, odd.minimum, odd.maximum) == (3, 1, 5))
        #expect(Spread([4, 1, 2, 3])?.median == 2.5)
        #expect(Spread([7])?.median == 7)
        #expect(Spread([]) == nil)
    }

    @Test func samplesAreJoinedByStraightLines() {
        var samples = Samples()
        for (time, value) in [(0.0, 100.0), (1, 100), (2, 300), (3, 300)] { samples.add(value, at: time) }
        #expect(samples.growth(from: 0.5, to: 1.5) == 100)
        #expect(samples.growth(from: 1, to: 2) == 200)
        #expect(samples.growth(from: 0, to: 3) == 200)
        #expect(samples.growth(from: -1, to: 3) == nil, "nobody looked then")
        #expect(samples.growth(from: 1, to: 4) == nil)
        #expect(samples.growth(from: 2, to: 2) == nil)
    }

    @Test func whatWasSkippedIsSaidOnceForEachReason() {
        var results = Fixture.results([])
        results.skipped = [
            Skipped(work: "*", contestant: "quinn", reason: "not built"),
            Skipped(work: "a", contestant: "grpcio", reason: "slow"),
            Skipped(work: "b", contestant: "grpcio", reason: "slow"),
        ]
        results.skipped += (0..<5).map { Skipped(work: "w\($0)", contestant: "limits", reason: "no") }
        #expect(results.skippedLines == ["quinn: not built", "grpcio: slow (a, b)", "limits: no (5 works)"])
    }

    @Test func whatWasMeasuredForLongerIsSaid() {
        var results = Fixture.results([("quic:unary:64KiB:c1000", "quinn", [.rate: 1])])
        #expect(results.longerLines.isEmpty)
        results.entries[0].longerSeconds = 4
        #expect(results.longerLines == ["quinn quic:unary:64KiB:c1000: 4.00 s, no call ended within 1.00 s"])
    }

    @Test func advantageLooksAtWhatTheWorkIsAbout() throws {
        let results = Fixture.results([
            ("grpc:unary:64B:c1", "transport-bench", [.rate: 300]), ("grpc:unary:64B:c1", "grpc-cpp", [.rate: 100]),
            ("grpc:idle:n1000", "transport-bench", [.rate: 1, .idleBytes: 100]),
            ("grpc:idle:n1000", "grpc-cpp", [.rate: 1, .idleBytes: 250]),
        ])
        #expect(results.entries.map { results.advantage(over: $0) } == [nil, 3, nil, 2.5])
    }
}

/// Results that nobody measured.
enum Fixture {
    static func results(_ entries: [(work: String, contestant: String, figures: Figures)]) -> Results {
        var results = Results(
            date: "", machine: Machine(processor: "a <b>", cores: 2, kernel: "k", loadBefore: 3), commandLine: "bench",
            versions: ["grpc-cpp": "1"], roundCount: 1, seconds: 1)
        for (id, contestant, figures) in entries {
            guard let work = Plan.works.first(where: { $0.id == id }) else { continue }
            results.entries.append(Entry(work: work, contestant: contestant, rounds: [figures]))
        }
        return results
    }
}
