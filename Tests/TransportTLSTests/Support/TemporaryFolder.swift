import Foundation
import NodeTransport

/// A folder of its own for one test; gone when the value is.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/transport-tls-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw Failure(text: "mkdtemp failed") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    struct Failure: Error {
        let text: String
    }

    /// Runs the `openssl` program in the folder; throws with its output when it fails.
    ///
    /// - Parameter command: The arguments with blanks or line ends between them.
    @discardableResult
    func openssl(_ command: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + command.split(whereSeparator: \.isWhitespace).map(String.init)
        process.currentDirectoryURL = URL(fileURLWithPath: path)
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(text: output) }
        return output
    }

    func write(_ text: String, to name: String, mode: Int = 0o600) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(path)/\(name)")
    }

    func write(_ bytes: Bytes, to name: String, mode: Int = 0o600) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(path)/\(name)")
    }

    func read(_ name: String) throws -> String {
        try String(decoding: Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")), as: UTF8.self)
    }

    func readBytes(_ name: String) throws -> Bytes {
        Bytes(try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }

    func mode(of name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
        return attributes[.posixPermissions] as? Int ?? -1
    }

    var fileNames: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }
}
