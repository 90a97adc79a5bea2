import Foundation
import Synchronization

/// A program of somebody else that a test runs; it ends with the test.
final class PeerProcess: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// What a program printed and how it ended.
    struct Outcome: Sendable {
        let status: Int32
        let output: String
        let errors: String

        var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    // Sound: Foundation's Process and pipes are used by the test that made them; the mutex serialises it.
    private let process: Mutex<Process>
    private let input: Pipe

    /// Starts a server and waits for its line `LISTENING PORT`.
    static func server(_ path: String, _ arguments: [String]) async throws -> (PeerProcess, port: Int) {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = await onThread { firstLine(of: output.fileHandleForReading) }
        guard line.hasPrefix("LISTENING "), let port = Int(line.dropFirst("LISTENING ".count)) else {
            process.terminate()
            throw Failure(description: "\(path) did not listen but printed \"\(line)\"")
        }
        return (PeerProcess(process, input), port)
    }

    /// Runs a program to its end.
    static func run(_ path: String, _ arguments: [String]) async throws -> Outcome {
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
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
        return Outcome(status: status, output: await outputText, errors: await errorText)
    }

    private static func text(of handle: FileHandle) async -> String {
        await onThread { String(decoding: handle.readDataToEndOfFile(), as: UTF8.self) }
    }

    private static func firstLine(of handle: FileHandle) -> String {
        var bytes = Data()
        while let byte = try? handle.read(upToCount: 1)?.first, byte != UInt8(ascii: "\n") { bytes.append(byte) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Runs what blocks on a thread that tasks do not need.
    private static func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }

    private init(_ process: sending Process, _ input: Pipe) {
        self.process = Mutex(process)
        self.input = input
    }

    /// Kills the program, as `kill -9` does.
    func kill() { process.withLock { _ = Foundation.kill($0.processIdentifier, SIGKILL) } }

    deinit {
        process.withLock { if $0.isRunning { $0.terminate() } }
        try? input.fileHandleForWriting.close()
    }
}
