internal import Testing

@testable internal import bench_runner

@Suite struct ReadingTests {
    @Test func aProgramsLineIsRead() throws {
        let figures = try #require(
            ProgramLine.figures(
                "something\ncalls_per_second=47110.0 p50_us=14.11 new_word=3 cpu_us_per_call=7.412 calls=14133 errors=0\n"
            ))
        #expect(figures == [.rate: 47110, .p50: 14.11, .clientProcessor: 7.412, .calls: 14133, .errors: 0])
    }

    @Test(arguments: ["", "calls=3", "calls_per_second=", "calls_per_second=nan", "calls_per_second=x calls=1"])
    func whatIsNoLineGivesNothing(_ output: String) { #expect(ProgramLine.figures(output) == nil) }

    @Test(arguments: [("", "it does not do this"), ("unsupported: h3:bulk", "unsupported: h3:bulk")])
    func whatIsNotSupportedIsSaid(_ complaint: String, _ text: String) { #expect("\(NotSupported(complaint))" == text) }

    @Test func thePortIsFoundOnceTheLineIsThere() {
        #expect(ProgramLine.port("warning\nLISTENING 4711\n") == 4711)
        #expect(ProgramLine.port("LISTENING") == nil)
        #expect(ProgramLine.port("LISTENING 70000\n") == nil)
    }

    @Test func aHistogramIsReadAndRubbishPassedOver() {
        #expect(
            ProgramLine.histogram("1.5 50.0\nx y\n3 100\n") == [
                LatencyPoint(microseconds: 1.5, percentile: 50), LatencyPoint(microseconds: 3, percentile: 100),
            ])
    }

    @Test func h2loadSaysRateAndMean() throws {
        let output = """
            finished in 1.20s, 1234.50 req/s, 100KB/s
            requests: 500 total, 500 started, 500 done, 500 succeeded, 0 failed, 0 errored, 0 timeout
                                 min         max         mean         sd        +/- sd
            time for request:       38us      9.27ms      1.64ms       205us    92.63%
            """
        #expect(H2LoadOutput.figures(output, count: 500) == [.rate: 1234.5, .mean: 1640, .calls: 500, .errors: 0])
        #expect(H2LoadOutput.figures(output, count: 501) == nil, "one is missing")
    }

    @Test func theKernelsFilesAreRead() {
        let stat = "12 (a ) b) S 1 2 3 4 5 6 7 8 9 10 700 21 0 0 20"
        #expect(ProcessStatus.ticks(stat: stat) == 721)
        #expect(ProcessStatus.ticks(stat: "12 (a) S 1") == nil)
        #expect(ProcessStatus.kibibytes("VmHWM", status: "Name:\tx\nVmHWM:\t  1234 kB\n") == 1234)
        #expect(ProcessStatus.kibibytes("VmRSS", status: "Name:\tx\n") == nil)
    }
}
