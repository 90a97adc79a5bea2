internal import Glibc
internal import Synchronization

/// When a run is warm, what it counts, when it ends, and the line that it prints. A fifth of the time goes before what
/// is measured; what ends within the time after that counts.
final class Measurement: Sendable {
    private struct Counts {
        var histogram = Histogram()
        var bytes = 0
        var errors = 0
        var lost = 0
        var processorNanoseconds: Int64 = 0
    }

    private let seconds: Double
    /// Calls a second; nil starts the next call when one has ended.
    private let rate: Double?
    private let start: Int64
    private let begin: Int64
    private let end: Int64
    private let counts = Mutex(Counts())
    private let due = DueTimes()

    /// Times begin now.
    init(seconds: Double, rate: Double? = nil) {
        self.seconds = seconds
        self.rate = rate
        start = Self.now
        begin = start + Int64(seconds / 5 * 1e9)
        end = begin + Int64(seconds * 1e9)
        if let rate { due.begin(rate: rate, start: start, end: end) }
    }

    /// Nanoseconds of the monotonic clock.
    static var now: Int64 { nanoseconds(CLOCK_MONOTONIC) }

    /// When the next call starts, or with a rate was to start; nil after the end.
    nonisolated(nonsending) func next() async -> Int64? {
        let now = Self.now
        guard now < end else { return nil }
        return rate == nil ? now : await due.next()
    }

    func record(_ intended: Int64, payloadBytes: Int) {
        let now = Self.now
        guard now >= begin, now < end else { return }
        counts.withLock { counts in
            counts.histogram.add(UInt64(max(now - intended, 0)))
            counts.bytes += payloadBytes
        }
    }

    func error(_ why: String) {
        let isFirst = counts.withLock { counts in
            counts.errors += 1
            return counts.errors == 1
        }
        if isFirst { complain("error: \(why)") }
    }

    /// A datagram that did not come back.
    func lost() { counts.withLock { $0.lost += 1 } }

    /// Sleeps through the run and notes what the process takes meanwhile.
    func watch() async throws {
        try await Self.sleep(until: begin)
        let before = Self.nanoseconds(CLOCK_PROCESS_CPUTIME_ID)
        try await Self.sleep(until: end)
        let taken = Self.nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - before
        counts.withLock { $0.processorNanoseconds = taken }
    }

    /// Prints the line; whether calls ended, and none with an error.
    func report(histogramPath: String? = nil, countsLosses: Bool = false) -> Bool {
        let counts = counts.withLock { $0 }
        let histogram = counts.histogram
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let calls = Double(max(histogram.total, 1))
        var line = [
            "calls_per_second=\(rounded(Double(histogram.total) / seconds))",
            "mb_per_second=\(rounded(Double(counts.bytes) / 1e6 / seconds))",
            "p50_us=\(rounded(histogram.microseconds(0.5)))", "p90_us=\(rounded(histogram.microseconds(0.9)))",
            "p99_us=\(rounded(histogram.microseconds(0.99)))", "p999_us=\(rounded(histogram.microseconds(0.999)))",
            "max_us=\(rounded(histogram.maximumMicroseconds))",
            "cpu_us_per_call=\(rounded(Double(counts.processorNanoseconds) / 1000 / calls))",
            "peak_rss_kib=\(usage.ru_maxrss)", "calls=\(histogram.total)", "errors=\(counts.errors)",
        ]
        if countsLosses { line.append("lost=\(counts.lost)") }
        if rate != nil { line.append("behind=\(due.waitingCount)") }
        print(line.joined(separator: " "))
        fflush(nil)
        if let histogramPath { save(histogram, to: histogramPath) }
        return counts.errors == 0 && histogram.total > 0
    }

    private func save(_ histogram: Histogram, to path: String) {
        guard let file = fopen(path, "w") else { return perror(path) }
        for line in histogram.percentiles { fputs("\(line.microseconds) \(line.percentile)\n", file) }
        fclose(file)
    }

    private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

    private static func sleep(until time: Int64) async throws {
        try await Task.sleep(for: .nanoseconds(max(time - now, 0)))
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// A line on standard error.
func complain(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
}
