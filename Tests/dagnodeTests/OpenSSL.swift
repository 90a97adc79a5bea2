import ForeignPeers
import Foundation
import Testing

/// The command `openssl`, which issues and judges certificates in the tests.
enum OpenSSL {
    static let path = Peers.openssl

    static var isThere: Bool { Peers.isThere(path) }

    /// Runs a shell command in which `openssl` is used; what it printed, without blanks at the ends.
    static func shell(_ command: String, in folder: String) async throws -> String {
        let outcome = try await PeerProcess.run("/bin/sh", ["-ec", command], in: folder)
        try #require(outcome.status == 0, "\(command): \(outcome.errors)")
        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
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
