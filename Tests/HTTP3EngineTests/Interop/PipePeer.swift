import Foundation
import HTTP3Engine

/// aioquic's HTTP/3 layer as a program that takes and gives stream bytes; `make peers` gets what it needs.
final class PipePeer {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    static let python = root.appending(path: ".venv/bin/python").path

    /// Whether it can be run; where peers are required, a missing one fails the test.
    static var isThere: Bool {
        if FileManager.default.isExecutableFile(atPath: python) { return true }
        guard ProcessInfo.processInfo.environment["TRANSPORT_REQUIRE_PEERS"] == nil else { return true }
        print("\(python) is missing, its tests are skipped; `make peers` gets it")
        return false
    }

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var buffered = Data()

    init(_ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: Self.python)
        process.arguments = [Self.root.appending(path: "Tests/Interop/python/http3_peer.py").path] + arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    deinit {
        try? input.fileHandleForWriting.close()
        // Its input may not have ended: another program that was started meanwhile may hold the other end too.
        if process.isRunning { _ = kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    func send(_ stream: Int64, _ bytes: [UInt8], isFinal: Bool) throws {
        let digits = bytes.isEmpty ? "-" : bytes.map { String(format: "%02x", $0) }.joined()
        try input.fileHandleForWriting.write(contentsOf: Data("\(stream) \(digits) \(isFinal ? 1 : 0)\n".utf8))
    }

    /// The lines that the peer has for us.
    func flush() throws -> [String] {
        try input.fileHandleForWriting.write(contentsOf: Data("flush\n".utf8))
        var lines: [String] = []
        while let line = readLine(), line != "done" { lines.append(line) }
        return lines
    }

    private func readLine() -> String? {
        while true {
            if let end = buffered.firstIndex(of: 0x0a) {
                let line = String(decoding: buffered[..<end], as: UTF8.self)
                buffered = Data(buffered[(end + 1)...])
                return line
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            buffered += more
        }
    }

    static func bytes(_ digits: Substring) -> [UInt8] {
        guard digits != "-" else { return [] }
        let values = digits.utf8.map { $0 >= 0x61 ? $0 - 0x57 : $0 - 0x30 }
        return stride(from: 0, to: values.count - 1, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }
}
