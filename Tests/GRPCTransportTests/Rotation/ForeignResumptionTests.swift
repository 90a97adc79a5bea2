import ForeignPeers
import Foundation
import NodeTransport
import Testing
import TransportTLS

@testable import GRPCTransport

/// OpenSSL's own client and server resume sessions with ours.
@Suite(.timeLimit(.minutes(5)), .enabled(if: Peers.isThere(Peers.openssl))) struct ForeignResumptionTests {
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
        let (server, port) = try await PeerProcess.server(
            Peers.openssl,
            [
                "s_server", "-accept", "127.0.0.1:0", "-cert", files.certificate("server"), "-key",
                files.key("server"), "-CAfile", files.ca, "-Verify", "2", "-verify_return_error", "-alpn", "h2", "-rev",
            ], announcing: "ACCEPT 127.0.0.1:")
        let configuration = try TLSConfiguration(
            identity: Identity(certificateFile: files.certificate("client"), keyFile: files.key("client")),
            trust: .roots(file: files.ca))
        let context = try TLSContext(configuration, role: .client)
        for round in 0..<3 {
            let (isResumed, peer, answer) = try await blocking {
                let socket = try TLSSocket(context, to: port)
                try socket.send("hello world\n")
                return (socket.session.isResumed, socket.session.peer, try socket.line())
            }
            #expect(isResumed == (round > 0))
            #expect(peer?.commonName == "server")
            #expect(answer == "dlrow olleh\n")
        }
        withExtendedLifetime(server) {}
    }
}
