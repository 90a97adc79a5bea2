import NodeTransport
import QUICEngine
import QUICTransport
import Testing

/// Many who want in at once: the limits hold, and say so by their names.
@Suite("Connection floods", .timeLimit(.minutes(1)), .serialized)
struct FloodTests {
    /// Sends first packets of clients that say nothing further; what came back, once nothing more does.
    private static func flood(_ rig: HostileRig, _ count: Int) throws -> [[UInt8]] {
        let client = try HandClient(to: rig.port)
        let sockets = try (0..<4).map { _ in try RawUDP() }
        for (index, packet) in try client.firstPackets(count).enumerated() {
            sockets[index % sockets.count].send(packet, to: client.server)
        }
        var answers: [[UInt8]] = []
        for socket in sockets {
            while let (bytes, _) = socket.receive(waiting: 500) { answers.append(bytes) }
        }
        return answers
    }

    @Test func `A flood brings Retry, which costs the server no memory`() async throws {
        try await HostileRig.run({ $0.addressValidation = .above(halfOpenConnections: 10) }) { rig in
            let answers = try Self.flood(rig, 2_000)
            // RFC 9000 §17.2.5: a long header of type 3.
            let retries = answers.count { ($0.first ?? 0) & 0xf0 == 0xf0 }
            try demand(retries > 100, "\(retries) of \(answers.count)")
            try demand(!rig.events.contains("connection_refused"), "\(rig.events.all)")
            // Who answers a Retry gets in.
            _ = try HandClient(to: rig.port).connect()
        }
    }

    @Test func `The limit of handshakes under way`() async throws {
        try await HostileRig.run({ $0.maximumHalfOpenConnections = 10 }) { rig in
            _ = try Self.flood(rig, 300)
            try demand(rig.events.contains("the limit of 10 handshakes under way is reached"), "\(rig.events.all)")
        }
    }

    @Test func `The limit of new connections from one address`() async throws {
        try await HostileRig.run({
            $0.newConnectionBurstPerAddress = 20
            $0.newConnectionsPerSecondPerAddress = 2
        }) { rig in
            _ = try Self.flood(rig, 300)
            try demand(
                rig.events.contains("the limit of 2.0 new connections a second from one address is reached"),
                "\(rig.events.all)")
        }
    }

    @Test func `The limit of connections`() async throws {
        try await HostileRig.run({
            $0.maximumConnections = 10
            $0.maximumHalfOpenConnections = 10_000
        }) { rig in
            _ = try Self.flood(rig, 300)
            try demand(rig.events.contains("the limit of 10 connections is reached"), "\(rig.events.all)")
        }
    }

    @Test func `A forged token is refused by its name`() async throws {
        try await HostileRig.run { rig in
            let client = try HandClient(to: rig.port)
            _ = try client.endpoint.connect(
                to: client.path, serverName: "localhost", token: .init([0xb6] + [UInt8](repeating: 3, count: 60)),
                now: RawUDP.now)
            try demand(client.run { client.closed != nil }, "not refused")
            try demand(rig.events.contains("the address validation token is false or too old"), "\(rig.events.all)")
        }
    }
}
