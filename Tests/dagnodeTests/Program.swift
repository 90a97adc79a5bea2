import Foundation

/// `dagnode` as a process of its own.
actor Program {
    /// What a process that has ended leaves behind.
    struct Result: Sendable {
        let exitCode: Int32
        let output: String
        let error: String

        var errorLines: [Substring] { error.split(separator: "\n") }
    }

    nonisolated let processID: Int32
    /// What it prints on standard output, line by line.
    nonisolated let lines: AsyncStream<String>
    private let process: Process
    /// Ends with this process: a node with --stop-with-input does not outlive its test.
    private let input: Pipe
    private let exits: AsyncStream<Void>
    private let errorPath: String
    private var output = ""

    private init(
        _ process: Process, input: Pipe, lines: AsyncStream<String>, exits: AsyncStream<Void>, errorPath: String
    ) {
        self.process = process
        self.input = input
        self.lines = lines
        self.exits = exits
        self.errorPath = errorPath
        processID = process.processIdentifier
    }

    /// The program that was built with these tests.
    private static var executable: URL {
        let test = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: test ?? CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "dagnode")
    }

    static func start(_ arguments: [String]) throws -> Program {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        let input = Pipe()
        process.standardInput = input
        let errorPath = Folder.temporary.appending(path: "dagnode-stderr-\(UUID().uuidString)").path
        _ = FileManager.default.createFile(atPath: errorPath, contents: nil)
        process.standardError = FileHandle(forWritingAtPath: errorPath)
        let (lines, lineContinuation) = AsyncStream.makeStream(of: String.self)
        let (exits, exitContinuation) = AsyncStream.makeStream(of: Void.self)
        process.terminationHandler = { _ in exitContinuation.finish() }
        try process.run()
        let reader = output.fileHandleForReading
        // Ends when the process closes its standard output.
        Thread.detachNewThread {
            var rest = Data()
            while true {
                let data = reader.availableData
                rest += data
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    lineContinuation.yield(String(decoding: rest[rest.startIndex..<end], as: UTF8.self))
                    rest = Data(rest[rest.index(after: end)...])
                }
                guard !data.isEmpty else { break }
            }
            lineContinuation.finish()
        }
        return Program(process, input: input, lines: lines, exits: exits, errorPath: errorPath)
    }

    /// Runs to the end.
    static func run(_ arguments: String...) async throws -> Result { try await start(arguments).result() }

    /// The first line that begins so, without its beginning; `nil` when there is none.
    nonisolated func line(beginningWith start: String) async -> String? {
        for await line in lines where line.hasPrefix(start) { return String(line.dropFirst(start.count)) }
        return nil
    }

    nonisolated func send(_ signal: Int32) { kill(processID, signal) }

    /// A test that fails leaves no process behind.
    deinit {
        if process.isRunning { kill(processID, SIGKILL) }
    }

    /// Waits for the end.
    func result() async throws -> Result {
        for await line in lines { output += line + "\n" }
        for await _ in exits {}
        let error = try String(contentsOfFile: errorPath, encoding: .utf8)
        try FileManager.default.removeItem(atPath: errorPath)
        return Result(exitCode: process.terminationStatus, output: output, error: error)
    }
}

/// A folder that goes away with this value.
final class Folder: Sendable {
    static var temporary: URL { FileManager.default.temporaryDirectory }

    let path: String

    init() throws {
        path = Self.temporary.appending(path: "dagnode-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ data: Data) throws -> String {
        try data.write(to: URL(filePath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }
}
