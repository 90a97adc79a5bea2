import ForeignPeers
import Foundation

/// The `openssl` program of the system.
enum OpenSSLProgram {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs a command that ends soon; throws with what it wrote when it fails.
    static func run(_ arguments: String...) throws {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: Peers.openssl)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(description: text) }
    }

    /// Connects as `openssl s_client` and leaves at once.
    static func connect(to port: Int, _ arguments: String...) async throws -> PeerProcess.Outcome {
        try await PeerProcess.run(Peers.openssl, ["s_client", "-connect", "127.0.0.1:\(port)"] + arguments)
    }
}
