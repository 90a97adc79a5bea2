internal import Foundation

/// Where the foreign peers are; `make peers` gets them.
package enum Peers {
    /// The package's folder.
    private static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    package static let python = root.appending(path: ".venv/bin/python").path
    package static let cpp = root.appending(path: ".build/peers/grpc-cpp-peer").path
    package static let quicGo = root.appending(path: ".build/peers/quic-go-peer").path
    package static let h2load = "/usr/bin/h2load"
    package static let openssl = "/usr/bin/openssl"
    package static let curl = "/usr/bin/curl"
    package static let testssl = "/usr/bin/testssl"
    package static let gtlsclient = "/usr/bin/gtlsclient"
    package static let gtlsserver = "/usr/sbin/gtlsserver"
    package static let named = "/usr/sbin/named"
    package static let nsupdate = "/usr/bin/nsupdate"

    package static func script(_ name: String) -> String { root.appending(path: "Tests/Interop/python/\(name)").path }

    /// Whether `path` can be run; where peers are required, a missing one fails the test.
    package static func isThere(_ path: String) -> Bool {
        if FileManager.default.isExecutableFile(atPath: path) { return true }
        guard ProcessInfo.processInfo.environment["TRANSPORT_REQUIRE_PEERS"] == nil else { return true }
        print("\(path) is missing, its tests are skipped; `make peers` gets it")
        return false
    }
}
