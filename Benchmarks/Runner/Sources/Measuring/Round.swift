internal import Foundation

/// Measures one contestant once.
struct Round {
    /// Beyond what is asked for, a program gets this long before it counts as hung, in seconds.
    private static let patience = 30.0

    let work: Work
    let contestant: Contestant
    let server: Server
    let certificates: Certificates
    let folder: URL
    let seconds: Double
    /// Calls a second, for an open loop.
    let rate: Double?
    let histogram: URL?

    /// - Throws: ``Failure`` when a call failed, none ended, or the program did not end in time.
    func measure() throws -> Figures {
        switch work.kind {
        case .closed, .open: try call()
        case .h2load: try callWithH2Load()
        case .idle: try rest()
        }
    }

    private func arguments(seconds: Double, rate: Double? = nil, concurrency: Int, connections: Int) -> [String] {
        var arguments = [
            "call", "--wire", work.wire, "--to", "127.0.0.1:\(server.port)", "--scenario", work.scenario,
            "--concurrency", "\(concurrency)", "--connections", "\(connections)", "--seconds", "\(seconds)",
            "--ca", certificates.authority,
        ]
        arguments += contestant.callOptions
        if let size = work.size { arguments += ["--size", "\(size)"] }
        if let rate { arguments += ["--rate", "\(rate)"] }
        return arguments
    }

    private func call() throws -> Figures {
        var arguments = arguments(
            seconds: seconds, rate: rate, concurrency: work.concurrency, connections: work.connections)
        if let histogram { arguments += ["--histogram", histogram.path] }
        var figures = try run(arguments, seconds: seconds)
        if let rate { figures[.asked] = rate }
        return figures
    }

    /// Runs the client, and looks at the server meanwhile.
    private func run(
        _ arguments: [String], seconds: Double, whileItRuns: () -> Void = {}
    ) throws -> Figures {
        let client = try Child(contestant.program, arguments, folder: folder, name: "client")
        defer { client.end() }
        let end = Self.now + 1.2 * seconds + Self.patience
        var processor = Samples()
        var printed: Double?
        var status: Int32?
        while status == nil {
            status = client.wait(seconds: 0.02)
            let now = Self.now
            if let taken = server.processorMicroseconds { processor.add(taken, at: now) }
            // The line comes when the time that counts has ended; then connections are closed, which does not count.
            if printed == nil, !client.output.isEmpty { printed = now }
            whileItRuns()
            guard now < end else { throw Failure("\(client.commandLine) did not end") }
        }
        // By the command line's rules it does not do this; it listed what it does in general.
        if status == 64 { throw NotSupported(client.complaint) }
        guard var figures = ProgramLine.figures(client.output) else {
            throw Failure("it ended with \(status ?? -1): \(client.complaint)")
        }
        guard figures[.errors] == 0 else {
            throw Failure("\(shown(figures[.errors])) calls failed: \(client.complaint)")
        }
        guard let calls = figures[.calls], calls > 0 else { throw TooSlow(seconds: seconds) }
        if let printed, let taken = processor.growth(from: printed - seconds, to: printed) {
            figures[.serverProcessor] = taken / calls
        }
        figures[.serverPeak] = server.kibibytes("VmHWM")
        return figures
    }

    private func callWithH2Load() throws -> Figures {
        // A short run warms up and tells how many requests make the wanted time.
        let warm = try h2load(max(200, work.concurrency))
        let count = min(max(500, Int((warm[.rate] ?? 0) * seconds)), 5_000_000)
        let before = server.processorMicroseconds
        var figures = try h2load(count)
        if let before, let after = server.processorMicroseconds {
            figures[.serverProcessor] = (after - before) / Double(count)
        }
        figures[.serverPeak] = server.kibibytes("VmHWM")
        return figures
    }

    private func h2load(_ count: Int) throws -> Figures {
        guard let program = Child.find("h2load") else { throw Failure("h2load is not in PATH") }
        let body = folder.appendingPathComponent("body")
        // A gRPC message: not compressed, its length, its bytes.
        let size = UInt32(clamping: work.size ?? 64)
        let length = (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) }
        try Data([0] + length + [UInt8](repeating: 0x5a, count: Int(size))).write(to: body)
        let scheme = work.wire == "grpc-tls" ? "https" : "http"
        let output = try Child.run(
            program,
            [
                "-c1", "-m\(work.concurrency)", "-n\(count)", "-d", body.path, "-H", "content-type: application/grpc",
                "-H", "te: trailers", "\(scheme)://127.0.0.1:\(server.port)/echo.Echo/Unary",
            ], folder: folder, seconds: Double(count) / 500 + Self.patience)
        guard let figures = H2LoadOutput.figures(output, count: count) else {
            throw Failure("h2load: \(output.split(separator: "\n").filter { $0.hasPrefix("requests:") }.joined())")
        }
        return figures
    }

    /// How much the server grows by connections that each have about a call a second.
    private func rest() throws -> Figures {
        // What the first call brings about belongs to no connection.
        _ = try run(arguments(seconds: 0.1, concurrency: 1, connections: 1), seconds: 0.1)
        guard let before = server.kibibytes("VmRSS") else { throw Failure("the kernel does not say how large it is") }
        var most = before
        var figures = try run(
            arguments(
                seconds: max(seconds, 1), rate: Double(work.connections), concurrency: work.connections,
                connections: work.connections),
            seconds: max(seconds, 1)
        ) {
            most = max(most, server.kibibytes("VmRSS") ?? 0)
        }
        figures[.idleBytes] = (most - before) * 1024 / Double(work.connections)
        return figures
    }

    private static var now: Double { ProcessInfo.processInfo.systemUptime }
}
