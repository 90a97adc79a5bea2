internal import Testing

@testable internal import bench_runner

@Suite struct CountingTests {
    private static let callgrind = "version: 1\npid: 1\nevents: Ir\nsummary: 1000\n\nfn=(1) main\n0 3\n\ntotals: 1200\n"

    @Test func aRunsTotalsAreRead() throws {
        let total = try #require(Counts.Total(callgrind: Self.callgrind, output: "x\nallocations=42\n"))
        #expect(total.instructions == 1200 && total.allocations == 42)
        #expect(Counts.Total(callgrind: "summary: 7\n", output: "allocations=0\n")?.instructions == 7)
        #expect(Counts.Total(callgrind: "", output: "allocations=42\n") == nil)
        #expect(Counts.Total(callgrind: Self.callgrind, output: "") == nil)
    }

    @Test func startingDropsOut() throws {
        let short = try #require(Counts.Total(callgrind: "totals: 5000\n", output: "allocations=110\n"))
        let long = try #require(Counts.Total(callgrind: "totals: 7000\n", output: "allocations=130\n"))
        #expect(Counts(of: short, and: long, passes: 10) == Counts(instructions: 200, allocations: 2))
    }

    @Test func thresholdsAreWrittenAsTheyAreRead() throws {
        let text = "# some remark\n# and another\na:b\t1000\t0.00\nc\t20\t38.25\n"
        let thresholds = try Thresholds(text)
        #expect(thresholds.remarks == ["some remark", "and another"])
        #expect(thresholds.counts["c"] == Counts(instructions: 20, allocations: 38.25))
        #expect(thresholds.text == text)
    }

    @Test(arguments: ["a 1 2", "a\t1", "a\tx\t2", "a\t1\tnan", "a\t1\t2\t3"])
    func aLineThatIsNoThresholdIsNamed(_ line: String) {
        #expect { try Thresholds("# x\n\(line)\n") } throws: { "\($0)".contains("line 2") }
    }

    @Test(arguments: [(1100, Thresholds.Verdict.kept), (1101, .risen), (900, .kept), (899, .fallen)])
    func aTenthMoreOrLessPasses(instructions: Double, verdict: Thresholds.Verdict) {
        let thresholds = Thresholds(counts: ["a": Counts(instructions: 1000, allocations: 10)])
        #expect(thresholds.verdict("a", Counts(instructions: instructions, allocations: 10)) == (verdict, .kept))
    }

    @Test(arguments: [
        (0.0, 0.05, Thresholds.Verdict.kept), (0, 1, .risen), (1, 1.2, .risen), (1, 0, .fallen), (38, 41, .kept),
        (38, 42, .risen), (38, 34, .fallen),
    ])
    func oneAllocationMoreIsSeenWhereThereAreFew(threshold: Double, measured: Double, verdict: Thresholds.Verdict) {
        let thresholds = Thresholds(counts: ["a": Counts(instructions: 1, allocations: threshold)])
        #expect(thresholds.verdict("a", Counts(instructions: 1, allocations: measured)).allocations == verdict)
    }

    @Test func theReportSaysWhatRoseWhatFellAndWhatIsNotKnown() {
        let thresholds = Thresholds(counts: [
            "same": Counts(instructions: 1000, allocations: 1), "up": Counts(instructions: 1000, allocations: 1),
            "down": Counts(instructions: 1000, allocations: 4), "gone": Counts(instructions: 1, allocations: 1),
        ])
        let report = CountReport(
            thresholds: thresholds,
            measured: [
                ("same", Counts(instructions: 1050, allocations: 1)),
                ("up", Counts(instructions: 1500, allocations: 2)),
                ("down", Counts(instructions: 500, allocations: 4)), ("new", Counts(instructions: 5, allocations: 0)),
            ], isComplete: true)
        #expect(
            report.failures == [
                "up takes 1,500 instructions, more than the 1,000 of its threshold (+50.0 %)",
                "up takes 2.00 allocations, more than the 1.00 of its threshold (+100 %)",
                "new has no threshold", "gone has a threshold and is no path",
            ])
        #expect(report.improvements == ["down takes 500 instructions, less than the 1,000 of its threshold (−50.0 %)"])
        let some = CountReport(thresholds: thresholds, measured: [], isComplete: false)
        #expect(some.failures.isEmpty, "who measures a part misses nothing")
    }

    @Test func theGoalsAreOfTheServersPartAndOfWhatTheProfileAdds() {
        let report = CountReport(
            thresholds: Thresholds(),
            measured: [
                ("grpc:server:64B:c100", Counts(instructions: 21_000, allocations: 6)),
                ("grpc:unary:64B:c1", Counts(instructions: 1000, allocations: 10)),
                ("grpc:unary:64B:c1:node", Counts(instructions: 1100, allocations: 12)),
            ], isComplete: false)
        #expect(report.goals.rows.dropFirst().map { $0[1] } == ["not met", "met", "met", "not met"])
    }
}
