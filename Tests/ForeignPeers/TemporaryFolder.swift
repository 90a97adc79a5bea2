internal import Foundation

/// A folder of a test's own, short enough for the path of a Unix socket.
package struct TemporaryFolder {
    package let path: String

    package init() throws {
        path = "/tmp/nt-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    /// Writes a file and returns its path.
    package func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    package func remove() { try? FileManager.default.removeItem(atPath: path) }
}
