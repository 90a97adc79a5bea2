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
    static func shell(_ command: String, in folder: String) async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-ec", command]
        process.currentDirectoryURL = URL(filePath: folder)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        let (ends, end) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = {
            end.yield($0.terminationStatus)
            end.finish()
        }
        try process.run()
        // On a thread of its own: reading blocks, and other tests' tasks need those that tasks have.
        let reader = output.fileHandleForReading
        let data = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: reader.readDataToEndOfFile()) }
        }
        var status: Int32 = -1
        for await value in ends { status = value }
        try #require(status == 0, "\(command)")
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A certificate and its key, valid for these days (already expired when negative), in a new `NAME.pem` and
    /// `NAME-key.pem`.
    static func selfSigned(_ name: String, days: Int, in folder: String) async throws {
        // Version 3.0 cannot be told when a certificate begins but by `ca` or faketime; a short one ends soon enough.
        _ = try await shell(
            """
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days \(days) -subj /CN=\(name) \
            -addext subjectAltName=DNS:\(name) -addext basicConstraints=critical,CA:FALSE \
            -keyout \(name)-key.pem -out \(name).pem
            """, in: folder)
    }
}
