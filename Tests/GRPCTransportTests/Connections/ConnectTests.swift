import ForeignPeers
import Glibc
import NodeTransport
import Testing
import TransportTLS

@testable import GRPCTransport

/// Connecting ends: by success, by its time limit, or by its caller.
@Suite(.timeLimit(.minutes(5))) struct ConnectTests {
    @Test(arguments: [false, true])
    func `a server that accepts and says nothing is given up at the time limit`(_ usesTLS: Bool) async throws {
        let listener = try RawListener()
        let script = Task { try await blocking { _ = try listener.accept().drain() } }
        var configuration = GRPCTransport.Configuration()
        configuration.handshakeTimeout = .milliseconds(100)
        let security = usesTLS ? ConnectionRig.mutualTLS : .plaintext
        let client = try GRPCTransport(security: security, configuration: configuration)
        let began = ContinuousClock.now
        let error = try await TransportError.thrown { _ = try await client.connect(to: listener.endpoint) }
        #expect(ContinuousClock.now - began >= .milliseconds(100))
        #expect(error.code == .unavailable, "\(error)")
        #expect(error.processing == .notProcessed)
        #expect(error.description.contains("the handshake took longer than 0.1 seconds"), "\(error)")
        #expect(error.endpoint == listener.endpoint)
        // The client has hung up.
        try await script.value
    }

    @Test(arguments: [false, true])
    func `cancelling the task ends the attempt at once`(_ usesTLS: Bool) async throws {
        let listener = try RawListener()
        let client = try GRPCTransport(security: usesTLS ? ConnectionRig.mutualTLS : .plaintext)
        let attempt = Task { try await client.connect(to: listener.endpoint) }
        try await blocking {
            let socket = try listener.accept()
            // The handshake is under way when this has come.
            guard try socket.receive() != nil else { throw RawSocket.Failure(description: "nothing came") }
            attempt.cancel()
            _ = try socket.drain()
        }
        let error = try await TransportError.thrown { _ = try await attempt.value }
        #expect(error.code == .cancelled, "\(error)")
        #expect(error.processing == .notProcessed)
    }

    @Test func `a task that is cancelled already does not connect`() async throws {
        let listener = try RawListener()
        let client = try GRPCTransport(security: .plaintext)
        let attempt = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await client.connect(to: listener.endpoint)
        }
        let error = try await TransportError.thrown { _ = try await attempt.value }
        #expect(error.code == .cancelled, "\(error)")
    }

    /// The cancellation may come when the socket is connected and the handshake has not begun.
    @Test func `a connection that was given up does not touch its socket again`() async throws {
        try await ConnectionRig.run { rig in
            let other = try #require(rig.connection as? ClientConnection)
            let connection = ClientConnection(
                loop: other.loop, descriptor: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0),
                endpoint: rig.listener.endpoint, configuration: .init(), tls: nil)
            await connection.abandon()
            let error = try await TransportError.thrown { try await connection.handshake() }
            #expect(error.code == .cancelled, "\(error)")
            #expect(connection.state.isClosed)
        }
    }

    @Test func `a server that speaks something else is no server`() async throws {
        for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", ""] {
            let listener = try RawListener()
            let script = Task {
                try await blocking {
                    let socket = try listener.accept()
                    socket.send(Array(answer.utf8))
                    socket.closeWriting()
                    _ = try socket.drain()
                }
            }
            let client = try GRPCTransport(security: .plaintext)
            let error = try await TransportError.thrown { _ = try await client.connect(to: listener.endpoint) }
            #expect(error.code == .unavailable, "\(error)")
            #expect(error.processing == .notProcessed, "\(error)")
            #expect(error.endpoint == listener.endpoint)
            try await script.value
        }
    }
}
