import NodeTransport
import QUICEngine
import QUICTransport
import Testing

/// Many who want in at once: the limits hold, and say so by their names.
@Suite("Connection floods", .timeLimit(.minutes(4)), .serialized)
struct FloodTests {
    /// Sends first packets of clients that say nothing further; answers with the sockets to which answers come.
    private static func flood(_ rig: HostileRig, _ count: Int) throws -> [RawUDP] {
        let client = try HandClient(to: rig.port)
        let sockets = try (0..<4).map { _ in try RawUDP() }
        for (index, packet) in try client.firstPackets(count).enumerated() {
            sockets[index % sockets.count].send(packet, to: client.server)
        }
        return sockets
    }

    /// Floods a server whose half-open connections soon end, so that there is place again, until it speaks of `limit`.
    private static func expect(
        _ limit: String, _ configure: @escaping (inout QUICTransport.Configuration) -> Void
    ) async throws {
        try await HostileRig.run({
            $0.handshakeTimeout = .seconds(5)
            configure(&$0)
        }) { rig in
            let sockets = try flood(rig, 300)
            try demand(rig.events.waitFor("\(limit) is reached"), "\(rig.events.all)")
            withExtendedLifetime(sockets) {}
        }
    }

    @Test func `A flood brings Retry, which costs the server no memory`() async throws {
        try await HostileRig.run({ $0.addressValidation = .above(halfOpenConnections: 10) }) { rig in
            let sockets = try Self.flood(rig, 2_000)
            // A busy server may take its time; it has answered all when nothing more comes.
            var (answers, retries) = (0, 0)
            var ready = RawUDP.wait(for: sockets, milliseconds: 20_000)
            while !ready.isEmpty {
                for index in ready {
                    while let (bytes, _) = sockets[index].receive(waiting: 0) {
                        answers += 1
                        // RFC 9000 §17.2.5: a long header of type 3.
                        if (bytes.first ?? 0) & 0xf0 == 0xf0 { retries += 1 }
                    }
                }
                ready = RawUDP.wait(for: sockets, milliseconds: retries > 100 ? 500 : 20_000)
            }
            try demand(retries > 100, "\(retries) of \(answers)")
            try demand(!rig.events.contains("connection_refused"), "\(rig.events.all)")
            // Who answers a Retry gets in.
            _ = try HandClient(to: rig.port).connect()
        }
    }

    @Test func `The limit of handshakes under way`() async throws {
        try await Self.expect("the limit of 10 handshakes under way") { $0.maximumHalfOpenConnections = 10 }
    }

    @Test func `The limit of new connections from one address`() async throws {
        try await Self.expect("the limit of 2.0 new connections a second from one address") {
            $0.newConnectionBurstPerAddress = 20
            $0.newConnectionsPerSecondPerAddress = 2
        }
    }

    @Test func `The limit of connections`() async throws {
        try await Self.expect("the limit of 10 connections") {
            $0.maximumConnections = 10
            $0.maximumHalfOpenConnections = 10_000
        }
    }

    @Test func `A forged token is refused by its name`() async throws {
        try await HostileRig.run { rig in
            let client = try HandClient(to: rig.port)
            _ = try client.endpoint.connect(
                to: client.path, serverName: "localhost", token: .init([0xb6] + [UInt8](repeating: 3, count: 60)),
                now: RawUDP.now)
            try demand(client.run { client.closed != nil }, "not refused")
            try demand(rig.events.waitFor("the address validation token is false or too old"), "\(rig.events.all)")
        }
    }
}
