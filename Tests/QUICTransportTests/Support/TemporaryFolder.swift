import Foundation

/// A folder of a test's own, short enough for the path of a Unix socket.
struct TemporaryFolder {
    let path: String

    init() throws {
        path = "/tmp/nt-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
