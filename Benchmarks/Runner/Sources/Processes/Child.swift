internal import Dispatch
internal import Foundation

/// A process whose output goes to two files, which have no bound that it could block at.
final class Child {
    let process = Process()
    let commandLine: String
    private let folder: URL
    private let name: String
    private let hasEnded = DispatchSemaphore(value: 0)

    /// Starts the program.
    ///
    /// - Parameters:
    ///   - folder: Where its output goes.
    ///   - name: Of the files of the output; those of an earlier child of that name are replaced.
    init(_ program: String, _ arguments: [String], folder: URL, name: String) throws {
        commandLine = ([program] + arguments).joined(separator: " ")
        self.folder = folder
        self.name = name
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try Self.file(folder.appendingPathComponent(name + ".out"))
        process.standardError = try Self.file(folder.appendingPathComponent(name + ".err"))
        process.terminationHandler = { [hasEnded] process in
            Children.shared.ended(process.processIdentifier)
            hasEnded.signal()
        }
        try Children.shared.start(process)
    }

    private static func file(_ url: URL) throws -> FileHandle {
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    var pid: pid_t { process.processIdentifier }
    var output: String { text(".out") }

    /// The last line on standard error that has something, shortened.
    var complaint: String {
        let lines = text(".err").split(whereSeparator: \.isNewline).filter { !$0.allSatisfy(\.isWhitespace) }
        return String(lines.last?.prefix(200) ?? "")
    }

    private func text(_ suffix: String) -> String {
        let data = (try? Data(contentsOf: folder.appendingPathComponent(name + suffix))) ?? Data()
        return String(decoding: data, as: UTF8.self)
    }

    /// Waits for the end.
    ///
    /// - Returns: The exit status, 128 + signal when a signal ended it; nil when it still runs after `seconds`.
    func wait(seconds: Double) -> Int32? {
        guard hasEnded.wait(timeout: .now() + seconds) == .success else { return nil }
        // Whoever asks again gets the same answer.
        hasEnded.signal()
        return process.terminationStatus + (process.terminationReason == .uncaughtSignal ? 128 : 0)
    }

    /// Asks it to end, and makes it end two seconds later.
    func end() {
        guard wait(seconds: 0) == nil else { return }
        kill(pid, SIGTERM)
        guard wait(seconds: 2) == nil else { return }
        kill(pid, SIGKILL)
        _ = wait(seconds: 10)
    }

    /// Runs a program to its end.
    ///
    /// - Throws: ``Failure`` when it ends with another status than 0, or not in time.
    /// - Returns: Its standard output.
    static func run(_ program: String, _ arguments: [String], folder: URL, seconds: Double = 20) throws -> String {
        let child = try Child(program, arguments, folder: folder, name: "tool")
        defer { child.end() }
        guard let status = child.wait(seconds: seconds) else { throw Failure("\(child.commandLine) did not end") }
        guard status == 0 else { throw Failure("\(child.commandLine) ended with \(status): \(child.complaint)") }
        return child.output
    }

    /// Where a program is that has no slash in its name; nil when it is not in `PATH`.
    static func find(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}
