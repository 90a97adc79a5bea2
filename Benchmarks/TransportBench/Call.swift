internal import ArgumentParser
internal import Glibc
internal import NodeTransport
internal import Synchronization

/// `transport-bench call`: calls for some time from many tasks, and prints what it took.
struct Call: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Calls /echo.Echo/Unary, and prints calls a second, p50, p99 and CPU time a call.")

    @OptionGroup var options: WireOptions

    @Option(help: "Where to, as host:port.")
    var to: String

    @Option(help: "How many calls are under way at a time.")
    var concurrency = 1

    @Option(help: "The size of a message in bytes.")
    var size = 64

    @Option(help: "How long to measure, in seconds; a fifth of it more is spent to warm up.")
    var seconds = 5.0

    @Flag(help: "Call from the global pool of threads instead of the connection's event loop.")
    var fromPool = false

    func validate() throws {
        guard (1...100_000).contains(concurrency) else {
            throw ValidationError("--concurrency must be within 1...100000")
        }
        guard (0...(4 << 20)).contains(size) else { throw ValidationError("--size must be within 0...\(4 << 20)") }
        guard (0.01...3600).contains(seconds) else { throw ValidationError("--seconds must be within 0.01...3600") }
    }

    func run() async throws {
        let transport = try options.transport(isServer: false)
        let connection = try await transport.connect(to: options.wire.endpoint(to))
        let message = Bytes([UInt8](repeating: 0x5a, count: size))
        let executor = fromPool ? nil : connection.executor
        _ = try await measure(connection, message, executor, seconds: seconds / 5)
        let cpuBefore = cpuNanoseconds()
        let start = ContinuousClock.now
        let samples = try await measure(connection, message, executor, seconds: seconds)
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        let cpu = cpuNanoseconds() - cpuBefore
        report(samples.sorted(), elapsed: elapsed, cpu: cpu)
        await transport.shutdown(within: .seconds(1))
    }

    /// Calls from `concurrency` tasks for `seconds`; the latency of each call in nanoseconds.
    private func measure(
        _ connection: any Connection, _ message: Bytes, _ executor: (any TaskExecutor)?, seconds: Double
    ) async throws -> [Int64] {
        let end = ContinuousClock.now + .seconds(seconds)
        return try await withThrowingTaskGroup(of: [Int64].self) { group in
            for _ in 0..<concurrency {
                group.addTask(executorPreference: executor) {
                    try await callUntil(end, connection, message)
                }
            }
            var samples: [Int64] = []
            for try await part in group { samples += part }
            return samples
        }
    }

    private func report(_ samples: [Int64], elapsed: Double, cpu: Int64) {
        guard !samples.isEmpty else { return print("no call ended in time") }
        func percentile(_ share: Double) -> Double {
            Double(samples[min(samples.count - 1, Int(Double(samples.count) * share))]) / 1000
        }
        print(
            "calls_per_second=\(Int(Double(samples.count) / elapsed))",
            "p50_us=\(rounded(percentile(0.5)))", "p99_us=\(rounded(percentile(0.99)))",
            "cpu_us_per_call=\(rounded(Double(cpu) / 1000 / Double(samples.count)))", "calls=\(samples.count)",
            "errors=0")
    }

    private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}

/// One task's share of the calls.
private func callUntil(
    _ end: ContinuousClock.Instant, _ connection: any Connection, _ message: Bytes
) async throws -> [Int64] {
    var samples: [Int64] = []
    samples.reserveCapacity(4096)
    var before = ContinuousClock.now
    while before < end {
        let answer = try await connection.call(Echo.unary, message)
        guard answer.count == message.count else { throw TransportError(.dataLoss, "the answer has another size") }
        let after = ContinuousClock.now
        samples.append((after - before).nanoseconds)
        before = after
    }
    return samples
}

extension Duration {
    fileprivate var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}

/// The CPU time that this process has taken, in nanoseconds.
private func cpuNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
