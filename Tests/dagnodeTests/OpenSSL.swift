import Foundation
import Testing

/// The command `openssl`, which issues and judges certificates in the tests.
enum OpenSSL {
    static let path = "/usr/bin/openssl"

    /// Where peers are required, a missing one fails the tests.
    static var isThere: Bool {
        FileManager.default.isExecutableFile(atPath: path)
            || ProcessInfo.processInfo.environment["TRANSPORT_REQUIRE_PEERS"] != nil
    }

    /// Runs a shell command in which `openssl` is used; what it printed, without blanks at the ends.
    static func shell(_ command: String, in folder: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-ec", command]
        process.currentDirectoryURL = URL(filePath: folder)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(command)")
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A certificate and its key, valid for these days (already expired when negative), in a new `NAME.pem` and
    /// `NAME-key.pem`.
    static func selfSigned(_ name: String, days: Int, in folder: String) throws {
        // Version 3.0 cannot be told when a certificate begins but by `ca` or faketime; a short one ends soon enough.
        _ = try shell(
            """
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days \(days) -subj /CN=\(name) \
            -addext subjectAltName=DNS:\(name) -addext basicConstraints=critical,CA:FALSE \
            -keyout \(name)-key.pem -out \(name).pem
            """, in: folder)
    }
}
