internal import Foundation
internal import NodeTransport

/// One `dagnode serve` process.
actor NodeProcess {
    let name: String
    /// Where it serves, at least one.
    let endpoints: [Endpoint]
    private let arguments: [String]
    private let logPath: String
    private var process: Process?
    /// Its end tells the process that this one is gone, however that happened.
    private var input: Pipe?
    private var exits: AsyncStream<Void>?

    init(name: String, endpoints: [Endpoint], arguments: [String], logPath: String) {
        self.name = name
        self.endpoints = endpoints
        self.arguments = arguments
        self.logPath = logPath
    }

    /// The operating system's number for it, while it runs.
    var processID: Int32? { process.flatMap { $0.isRunning ? $0.processIdentifier : nil } }

    /// Starts it, and waits until it serves.
    ///
    /// - Throws: ``/NodeTransport/TransportError`` with the process's own last words when it ends instead.
    func start() async throws {
        if !FileManager.default.fileExists(atPath: logPath) {
            _ = FileManager.default.createFile(atPath: logPath, contents: nil)
        }
        guard let log = FileHandle(forWritingAtPath: logPath) else {
            throw TransportError(.unavailable, "cannot write \(logPath)")
        }
        try log.seekToEnd()
        let process = Process()
        process.executableURL = URL(filePath: Self.executable)
        process.arguments = ["serve"] + arguments
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = log
        let (lines, lineContinuation) = AsyncStream.makeStream(of: String.self)
        let reader = output.fileHandleForReading
        let buffer = LineBuffer()
        reader.readabilityHandler = { handle in
            let data = handle.availableData
            if data.isEmpty {
                handle.readabilityHandler = nil
                lineContinuation.finish()
            } else {
                for line in buffer.append(data) { lineContinuation.yield(line) }
            }
        }
        let (exits, exitContinuation) = AsyncStream.makeStream(of: Void.self)
        process.terminationHandler = { _ in exitContinuation.finish() }
        try process.run()
        try log.close()
        self.process = process
        self.input = input
        self.exits = exits
        var silent = endpoints.count
        for await line in lines where line.hasPrefix("LISTENING ") {
            silent -= 1
            if silent == 0 { return }
        }
        try Task.checkCancellation()
        throw TransportError(
            .unavailable, "node \(name) did not start: \(lastLogLine())", endpoint: endpoints.first)
    }

    /// Ends it at once, as a loss of power would.
    func kill() async { await end(with: SIGKILL) }

    /// Asks it to stop, and makes it stop when it does not within some seconds.
    func stop() async {
        guard process?.isRunning == true else { return }
        let deadline = Task { [process] in
            try await Task.sleep(for: .seconds(5))
            if let process, process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
        }
        await end(with: SIGTERM)
        deadline.cancel()
    }

    private func end(with signal: Int32) async {
        guard let process, process.isRunning, let exits else { return }
        Foundation.kill(process.processIdentifier, signal)
        for await _ in exits {}
        input = nil
        self.process = nil
        self.exits = nil
    }

    /// The end of its log.
    func lastLogLine() -> String {
        let text = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").last.map(String.init) ?? "it said nothing"
    }

    /// This program.
    private static var executable: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }
}

/// Puts what comes in pieces together to lines; used by one thread at a time, that of the readability handler.
private final class LineBuffer: @unchecked Sendable {
    // Sound: Foundation calls a readability handler on one serial queue.
    private var rest = Data()

    func append(_ data: Data) -> [String] {
        rest += data
        var lines: [String] = []
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(String(decoding: rest[rest.startIndex..<end], as: UTF8.self))
            rest = Data(rest[rest.index(after: end)...])
        }
        return lines
    }
}
