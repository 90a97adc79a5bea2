internal import ArgumentParser
internal import NodeTransport
internal import TransportResilience

#if canImport(QUICTransport)
    internal import EventLoops
#endif

/// `transport-bench call`: calls for some time from many tasks, and prints what it took.
struct Call: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Calls echo.Echo, and prints calls a second, percentiles and CPU time a call.")

    @OptionGroup var options: WireOptions

    @Option(help: "Where to, as host:port.")
    var to: String

    @Option(help: "What to measure: \(Scenario.allCases.map(\.rawValue).joined(separator: ", ")).")
    var scenario = Scenario.unary

    @Option(help: "How many calls are under way at a time, on all connections together.")
    var concurrency = 1

    @Option(help: "How many connections share the calls.")
    var connections = 1

    @Option(help: "The size of a message in bytes; without it 64, and 65536 for bulk.")
    var size: Int?

    @Option(help: "How many messages one client or server stream has.")
    var messages = 100

    @Option(help: "How long to measure, in seconds; a fifth of it more is spent to warm up.")
    var seconds = 5.0

    @Option(
        help: """
            Calls a second, whatever the answers do; latencies count from when a call was to start. Without it the \
            next call starts when one has ended.
            """)
    var rate: Double?

    @Option(help: "Where to write latencies in µs and their percentiles.")
    var histogram: String?

    @Flag(help: "Call from the global pool of threads instead of the connection's event loop.")
    var fromPool = false

    @Flag(help: "Put the whole stack of the profile for nodes around the wire: breakers, channels and retries.")
    var resilient = false

    func validate() throws {
        guard (1...100_000).contains(concurrency) else {
            throw ValidationError("--concurrency must be within 1...100000")
        }
        guard (1...10_000).contains(connections) else {
            throw ValidationError("--connections must be within 1...10000")
        }
        guard (0...(4 << 20)).contains(size ?? 0) else { throw ValidationError("--size must be within 0...\(4 << 20)") }
        guard (1...1_000_000).contains(messages) else { throw ValidationError("--messages must be within 1...1000000") }
        guard (0.01...3600).contains(seconds) else { throw ValidationError("--seconds must be within 0.01...3600") }
        guard (0.1...10_000_000).contains(rate ?? 1) else {
            throw ValidationError("--rate must be within 0.1...10000000")
        }
        guard options.wire.supports(scenario) else {
            throw ValidationError("unsupported: \(options.wire.rawValue):\(scenario.rawValue)")
        }
        guard !resilient || options.wire.isTransport && scenario != .get && scenario != .datagram else {
            throw ValidationError("unsupported: \(options.wire.rawValue):\(scenario.rawValue) with --resilient")
        }
    }

    func run() async throws {
        #if canImport(QUICTransport)
            if options.wire == .quic { return try await runRaw() }
        #endif
        let wire = try options.transport(isServer: false, resumes: scenario == .resume)
        let transport = resilient ? wire.resilient(.node) : wire
        let target = try Endpoint(parsing: options.wire.endpoint(to))
        var open: [any Connection] = []
        if !scenario.connectsEachTime {
            for _ in 0..<connections { open.append(try await transport.connect(to: target)) }
        }
        let datagrams = scenario == .datagram ? open.map(DatagramEchoes.init) : []
        for echoes in datagrams { try await echoes.begin() }
        let work = Work(
            scenario: scenario, message: Bytes([UInt8](repeating: 0x5a, count: size ?? scenario.defaultSize)),
            messageCount: messages, transport: transport, target: target, peers: open, fromPool: fromPool,
            measurement: Measurement(seconds: seconds, rate: rate))
        // Each broadcast takes all connections.
        let taskCount = scenario == .broadcast ? concurrency : max(concurrency, open.count)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<taskCount {
                let connection = open.isEmpty ? nil : open[index % open.count]
                let echoes = datagrams.isEmpty ? nil : datagrams[index % datagrams.count]
                group.addTask(executorPreference: fromPool ? nil : connection?.executor) {
                    await work.run(connection, echoes, task: index)
                }
            }
            try await work.measurement.watch()
            try await group.waitForAll()
        }
        let isGood = work.measurement.report(histogramPath: histogram, countsLosses: scenario == .datagram)
        for echoes in datagrams { echoes.stop() }
        await transport.shutdown(within: .seconds(1))
        if !isGood { throw ExitCode.failure }
    }
}

#if canImport(QUICTransport)
    extension Call {
        /// The same over raw streams, on one loop.
        private func runRaw() async throws {
            guard let port = Int(to.split(separator: ":").last ?? "") else {
                throw ValidationError("--to is HOST:PORT")
            }
            let loop = EventLoopGroup.shared.next()
            let tls = try options.tls(isServer: false)
            let isGood = try await withTaskExecutorPreference(loop.taskExecutor) {
                let client = try RawClient(
                    scenario: scenario, size: size ?? scenario.defaultSize, messageCount: messages, port: port,
                    tls: tls,
                    loop: loop)
                var open: [RawConnection] = []
                if !scenario.connectsEachTime {
                    for _ in 0..<connections { open.append(try await client.connect()) }
                }
                let echoes = scenario == .datagram ? open.map(RawDatagrams.init) : []
                let measurement = Measurement(seconds: seconds, rate: rate)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<max(concurrency, open.count) {
                        let connection = open.isEmpty ? nil : open[index % open.count]
                        let echoes = echoes.isEmpty ? nil : echoes[index % echoes.count]
                        group.addTask { await client.run(connection, echoes, task: index, measurement) }
                    }
                    try await measurement.watch()
                    try await group.waitForAll()
                }
                for connection in open { connection.close() }
                return measurement.report(histogramPath: histogram, countsLosses: scenario == .datagram)
            }
            if !isGood { throw ExitCode.failure }
        }
    }
#endif
