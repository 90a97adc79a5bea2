import Foundation

/// Where the foreign peers are; `make peers` gets them.
enum Peers {
    /// The package's folder.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static let python = root.appending(path: ".venv/bin/python").path
    static let cpp = root.appending(path: ".build/peers/grpc-cpp-peer").path
    static let h2load = "/usr/bin/h2load"
    static let openssl = "/usr/bin/openssl"
    static let curl = "/usr/bin/curl"
    static let testssl = "/usr/bin/testssl"

    static func script(_ name: String) -> String { root.appending(path: "Tests/Interop/python/\(name)").path }

    /// Whether `path` can be run; where peers are required, a missing one fails the test.
    static func isThere(_ path: String) -> Bool {
        if FileManager.default.isExecutableFile(atPath: path) { return true }
        guard ProcessInfo.processInfo.environment["TRANSPORT_REQUIRE_PEERS"] == nil else { return true }
        print("\(path) is missing, its tests are skipped; `make peers` gets it")
        return false
    }
}
