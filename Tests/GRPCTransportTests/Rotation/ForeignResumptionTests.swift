import Foundation
import NodeTransport
import Testing
import TransportTLS

@testable import GRPCTransport

/// OpenSSL's own client and server resume sessions with ours.
@Suite(.timeLimit(.minutes(1)), .enabled(if: Peers.isThere(Peers.openssl))) struct ForeignResumptionTests {
    @Test func `openssl's client resumes with our server, which still knows who it is`() async throws {
        let files = try IdentityFiles()
        let folder = try TemporaryFolder()
        defer {
            files.remove()
            folder.remove()
        }
        let events = EventLog()
        var configuration = GRPCTransport.Configuration()
        configuration.onEvent = { events.note($0) }
        let transport = try GRPCTransport(security: files.serverSecurity, configuration: configuration)
        let listener = try await transport.listen(on: "grpc://127.0.0.1:0", services: [EchoService()])
        let port = try #require(listener.endpoint.port)
        func connect(_ arguments: String) async throws -> PeerProcess.Outcome {
            // What it sends is no HTTP/2, so the server ends the connection, and with it the program.
            try await PeerProcess.run(
                "/bin/sh",
                [
                    "-c",
                    """
                    printf 'this is not the preface of HTTP/2' | '\(Peers.openssl)' s_client -connect 127.0.0.1:\(port) \
                    -alpn h2 -CAfile '\(files.ca)' -cert '\(files.certificate("client"))' \
                    -key '\(files.key("client"))' -verify_return_error -ign_eof \(arguments)
                    """,
                ])
        }
        let first = try await connect("-sess_out \(folder.path)/session")
        #expect(first.output.contains("New, TLSv1.3"), "\(first)")
        let second = try await connect("-sess_in \(folder.path)/session")
        #expect(second.output.contains("Reused, TLSv1.3"), "\(second)")
        await transport.shutdown(within: .zero)
    }

    @Test func `our client resumes with openssl's server, which still knows who it is`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let server = try OpenSSLServer(files)
        let configuration = try TLSConfiguration(
            identity: Identity(certificateFile: files.certificate("client"), keyFile: files.key("client")),
            trust: .roots(file: files.ca))
        let context = try TLSContext(configuration, role: .client)
        for round in 0..<3 {
            let talk = try await blocking { try server.talk(context) }
            #expect(talk.isResumed == (round > 0))
            #expect(talk.peer?.commonName == "server")
            // -rev answers each line with its characters in reverse order.
            #expect(talk.answer == "dlrow olleh\n")
        }
    }
}

/// `openssl s_server`, which demands a certificate.
private final class OpenSSLServer: Sendable {
    struct Talk {
        let answer: String
        let isResumed: Bool
        let peer: PeerIdentity?
    }

    private let process: Process
    private let port: Int

    init(_ files: IdentityFiles) throws {
        process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: Peers.openssl)
        process.arguments = [
            "s_server", "-accept", "127.0.0.1:0", "-cert", files.certificate("server"), "-key", files.key("server"),
            "-CAfile", files.ca, "-Verify", "2", "-verify_return_error", "-alpn", "h2", "-rev",
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        var found: Int?
        while found == nil {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw PeerProcess.Failure(description: "s_server printed only \(text)") }
            text += String(decoding: data, as: UTF8.self)
            for line in text.split(separator: "\n") where line.hasPrefix("ACCEPT 127.0.0.1:") {
                found = Int(line.dropFirst("ACCEPT 127.0.0.1:".count))
            }
        }
        port = found ?? 0
    }

    deinit { process.terminate() }

    /// Shakes hands, sends a line and returns the answer.
    func talk(_ context: TLSContext) throws -> Talk {
        let session = try TLSSession(context: context, host: "127.0.0.1", server: "openssl", now: .now)
        let socket = try RawSocket(to: Endpoint(parsing: "grpc://127.0.0.1:\(port)"))
        var (answer, hasAsked) = ("", false)
        var room = [UInt8](repeating: 0, count: 1000)
        var isComplete = try session.advanceHandshake() == .complete
        while !answer.hasSuffix("\n") {
            if isComplete, !hasAsked {
                hasAsked = true
                var result: Result<Void, any Error> = .success(())
                Array("hello world\n".utf8).withUnsafeBytes { line in
                    result = Result { try session.write(line) }
                }
                try result.get()
            }
            var output: [UInt8] = []
            session.withOutput { bytes in
                output = Array(bytes)
                return bytes.count
            }
            if !output.isEmpty { socket.send(output) }
            guard let bytes = try socket.receive() else { break }
            try bytes.withUnsafeBytes { try session.receive($0) }
            if !isComplete { isComplete = try session.advanceHandshake() == .complete }
            guard isComplete else { continue }
            while case .bytes(let count) = try room.withUnsafeMutableBytes({ try session.read(into: $0) }) {
                answer += String(decoding: room[..<count], as: UTF8.self)
            }
        }
        return Talk(answer: answer, isResumed: session.isResumed, peer: session.peer)
    }
}
