internal import Foundation
internal import Synchronization

/// A program of somebody else that a test runs; it ends with the test.
package final class PeerProcess: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    /// What a program printed and how it ended.
    package struct Outcome: Sendable {
        package let status: Int32
        package let output: String
        package let errors: String

        package var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    // Sound: Foundation's Process and pipes are used by the test that made them; the mutex serialises it.
    private let process: Mutex<Process>
    private let input: Pipe
    /// Finishes when the program has ended.
    private let ends: AsyncStream<Void>

    /// Starts a server and waits for its line `LISTENING PORT`, or another that ends in the port.
    package static func server(
        _ path: String, _ arguments: [String], announcing prefix: String = "LISTENING "
    ) async throws -> (PeerProcess, port: Int) {
        let (peer, line) = try await start(path, arguments, announcing: prefix)
        guard let port = Int(line.dropFirst(prefix.count)) else {
            throw Failure(description: "\(path) says no port: \(line)")
        }
        return (peer, port)
    }

    /// Starts a server and waits for a line that begins with `prefix`.
    package static func start(
        _ path: String, _ arguments: [String], announcing prefix: String
    ) async throws -> (PeerProcess, line: String) {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        process.terminationHandler = { _ in end.finish() }
        try process.run()
        let line = await blocking { firstLine(of: output.fileHandleForReading, beginningWith: prefix) }
        guard let line else {
            process.terminate()
            throw Failure(description: "\(path) ended without having listened")
        }
        return (PeerProcess(process, input, ends), line)
    }

    /// Runs a program to its end.
    package static func run(_ path: String, _ arguments: [String], in folder: String? = nil) async throws -> Outcome {
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        let (ends, end) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = {
            end.yield($0.terminationStatus)
            end.finish()
        }
        try process.run()
        async let outputText = text(of: output.fileHandleForReading)
        async let errorText = text(of: errors.fileHandleForReading)
        var status: Int32 = -1
        for await value in ends { status = value }
        // The test's time is over: what the program still writes is not waited for.
        if Task.isCancelled, process.isRunning { _ = Foundation.kill(process.processIdentifier, SIGKILL) }
        return Outcome(status: status, output: await outputText, errors: await errorText)
    }

    private static func text(of handle: FileHandle) async -> String {
        await blocking { String(decoding: handle.readDataToEndOfFile(), as: UTF8.self) }
    }

    /// The first such line; `nil` when the program closes its output before.
    private static func firstLine(of handle: FileHandle, beginningWith prefix: String) -> String? {
        var bytes = Data()
        while let byte = try? handle.read(upToCount: 1)?.first {
            guard byte == UInt8(ascii: "\n") else {
                bytes.append(byte)
                continue
            }
            let line = String(decoding: bytes, as: UTF8.self)
            if line.hasPrefix(prefix) { return line }
            bytes = Data()
        }
        return nil
    }

    private init(_ process: sending Process, _ input: Pipe, _ ends: AsyncStream<Void>) {
        self.process = Mutex(process)
        self.input = input
        self.ends = ends
    }

    /// Kills the program, as `kill -9` does.
    package func kill() { process.withLock { if $0.isRunning { _ = Foundation.kill($0.processIdentifier, SIGKILL) } } }

    /// Returns when the program has ended, which is some time after ``kill()``: until then it may have its port.
    package func waitUntilEnd() async { for await _ in ends {} }

    /// Kills the program, and returns when it is gone: its ports and its files are free then.
    package func killAndWait() async {
        kill()
        await waitUntilEnd()
    }

    deinit {
        // SIGTERM may be blocked: a program inherits the mask of the thread that started it.
        process.withLock { if $0.isRunning { _ = Foundation.kill($0.processIdentifier, SIGKILL) } }
        try? input.fileHandleForWriting.close()
    }
}
