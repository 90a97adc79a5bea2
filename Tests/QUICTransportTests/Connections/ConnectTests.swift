import ForeignPeers
import NodeTransport
import QUICTransport
import Testing
import TransportTLS

@Suite(.timeLimit(.minutes(1))) struct ConnectTests {
    private func client(_ configure: (inout QUICTransport.Configuration) -> Void = { _ in }) throws -> QUICTransport {
        var configuration = QUICTransport.Configuration()
        configure(&configuration)
        return try QUICTransport(tls: TestIdentities.shared.mutual, configuration: configuration)
    }

    @Test func `nobody listens`() async throws {
        let endpoint = try Endpoint(parsing: "quic://127.0.0.1:\(freePort())")
        let error = await #expect(throws: TransportError.self) { try await client().connect(to: endpoint) }
        #expect(error?.code == .unavailable)
        #expect(error?.processing == .notProcessed)
        #expect(error?.description == "unavailable: cannot connect: Connection refused (\(endpoint))")
    }

    @Test func `a peer that never answers costs the time that a handshake may take`() async throws {
        let hole = try UDPHole()
        defer { hole.close() }
        let endpoint = try Endpoint(parsing: "quic://127.0.0.1:\(hole.port)")
        let error = await #expect(throws: TransportError.self) {
            try await client { $0.handshakeTimeout = .milliseconds(200) }.connect(to: endpoint)
        }
        #expect(error?.code == .unavailable)
        #expect(error?.processing == .notProcessed)
        #expect(error?.description == "unavailable: the handshake took longer than 0.2 seconds (\(endpoint))")
    }

    @Test func `connecting can be cancelled`() async throws {
        let hole = try UDPHole()
        defer { hole.close() }
        let client = try client { $0.handshakeTimeout = .seconds(120) }
        let port = hole.port
        let task = Task { try await client.connect(to: "quic://127.0.0.1:\(port)") }
        // Its first packet has come: the handshake is under way.
        try await hole.waitForDatagram()
        task.cancel()
        let error = await #expect(throws: TransportError.self) { _ = try await task.value }
        #expect(error?.code == .cancelled)
        #expect(error?.processing == .notProcessed)
    }

    @Test func `a name is looked up, and every address tried`() async throws {
        try await Rig.run { rig in
            // localhost may be ::1 first, where nobody listens.
            let answer = try await rig.withClient(host: "localhost") {
                try await $0.call(RigMethods.unary, Bytes(utf8: "x"))
            }
            #expect(answer == Bytes(utf8: "x"))
        }
    }

    @Test func `the limit of connections is named`() async throws {
        try await Rig.run(configure: { $0.maximumConnections = 1 }) { rig in
            try await rig.withClient { connection in
                let error = try await rig.refusal(of: TestIdentities.shared.mutual)
                #expect(error.code == .unavailable, "\(error)")
                #expect(error.description.contains("the server refused the connection"), "\(error)")
                let event = await rig.events.first(.connectionRefused)
                #expect(event.error?.message == "the limit of 1 connections is reached")
                _ = try await connection.call(RigMethods.unary, Bytes())
            }
        }
    }

    @Test func `the limit of new connections from one address is named`() async throws {
        let configure = { (configuration: inout QUICTransport.Configuration) in
            configuration.newConnectionBurstPerAddress = 1
            configuration.newConnectionsPerSecondPerAddress = 0.001
        }
        try await Rig.run(configure: configure) { rig in
            // Each loop counts for itself: one more than there are is one too many.
            for _ in 0..<512 {
                do {
                    try await rig.expectServed()
                } catch let error as TransportError {
                    #expect(error.code == .unavailable, "\(error)")
                    let event = await rig.events.first(.connectionRefused)
                    #expect(event.error?.message.contains("new connections a second from one address") == true)
                    return
                }
            }
            Issue.record("no connection was refused")
        }
    }

    @Test func `a server may ask every client to prove its address`() async throws {
        try await Rig.run(configure: { $0.addressValidation = .always }) { try await $0.expectServed() }
    }
}
