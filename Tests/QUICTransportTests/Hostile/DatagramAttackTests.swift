import QUICEngine
import QUICTransport
import Testing

/// Datagrams that no honest client sends do no harm: nothing crashes, memory stays bounded, everybody else is served.
@Suite("Hostile datagrams", .timeLimit(.minutes(4)), .serialized)
struct DatagramAttackTests {
    /// Enough to matter, in pieces that the socket's buffer holds.
    private static let count = 4_000

    private static func send(_ count: Int, to rig: HostileRig, _ make: (HandClient, Int) -> [UInt8]) throws {
        let client = try HandClient(to: rig.port)
        let sockets = try (0..<8).map { _ in try RawUDP() }
        for index in 0..<count { sockets[index % sockets.count].send(make(client, index), to: client.server) }
    }

    @Test func `Random bytes of every length`() async throws {
        try await HostileRig.run { rig in
            var random = Seeded(1)
            try Self.send(Self.count, to: rig) { _, index in random.bytes(index % 1500) }
        }
    }

    @Test func `Random bytes behind believable first bytes`() async throws {
        try await HostileRig.run { rig in
            var random = Seeded(2)
            try Self.send(Self.count, to: rig) { _, index in
                // Initial, 0-RTT, Handshake, Retry and short headers of version 1, with IDs of all lengths.
                let first: [UInt8] = [0xc0, 0xd0, 0xe0, 0xf0, 0x40]
                let id = UInt8(index / 5 % 22)
                let head = [first[index % 5] | UInt8(index & 3), 0, 0, 0, 1, id] + random.bytes(Int(id)) + [id]
                return head + random.bytes(1200)
            }
        }
    }

    @Test func `Long headers that end too soon`() async throws {
        try await HostileRig.run { rig in
            let client = try HandClient(to: rig.port)
            let packet = try client.firstPackets(1)[0]
            let socket = try RawUDP()
            for length in 0..<packet.count { socket.send(Array(packet[..<length]), to: client.server) }
        }
    }

    @Test func `Unknown versions are answered with ours, short ones not at all`() async throws {
        try await HostileRig.run { rig in
            let client = try HandClient(to: rig.port)
            let socket = try RawUDP()
            var random = Seeded(3)
            var packet = try client.firstPackets(1)[0]
            packet.replaceSubrange(1..<5, with: [0x1a, 0x2a, 0x3a, 0x4a])
            for _ in 0..<500 {
                // What is too short to be answered comes first, so that an answer to it would be found first.
                socket.send(Array(packet[..<1199]), to: client.server)
                packet.replaceSubrange(6..<14, with: random.bytes(8))
            }
            // Again and again: a busy server's socket may have no room left behind the short ones.
            var answer: [UInt8] = []
            for _ in 0..<200 where answer.isEmpty {
                socket.send(packet, to: client.server)
                answer = socket.receive(waiting: 100)?.bytes ?? []
            }
            try demand(answer.count > 7, "no answer")
            // RFC 9000 §17.2.1: version 0, and the client's ID comes back as the destination's or the source's.
            try demand(answer[0] & 0x80 != 0 && answer[1..<5] == [0, 0, 0, 0], "\(answer)")
            try demand(answer.suffix(8).starts(with: [0, 0, 0, 1]) || answer.suffix(4) == [0, 0, 0, 1], "\(answer)")
            // The short ones had other IDs.
            repeat {
                try demand(Self.isAnswer(answer, to: packet), "a short packet was answered: \(answer)")
                answer = socket.receive(waiting: 100)?.bytes ?? []
            } while !answer.isEmpty
        }
    }

    /// Whether the ID that `packet` was sent to is the one that `answer` comes from.
    private static func isAnswer(_ answer: [UInt8], to packet: [UInt8]) -> Bool {
        let id = packet[5...].prefix(1 + Int(packet[5]))
        return answer.count > 5 && answer.dropFirst(6 + Int(answer[5])).starts(with: id)
    }

    @Test func `Mutated packets of a client that is connected`() async throws {
        try await HostileRig.run { rig in
            let client = try HandClient(to: rig.port)
            let connection = try client.connect()
            for _ in 0..<20 { try client.write([0], on: connection, bidirectional: true) }
            client.run(for: .milliseconds(50)) { false }
            var random = Seeded(4)
            for index in 0..<Self.count {
                var packet = client.sent[index % client.sent.count]
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    packet[Int.random(in: 0..<packet.count, using: &random)] ^= UInt8.random(
                        in: 1...255, using: &random)
                }
                client.socket.send(packet, to: client.server)
            }
            // The attacked connection itself is none the worse.
            client.run(for: .milliseconds(200)) { client.closed != nil }
            try demand(client.closed == nil, "\(String(describing: client.closed))")
        }
    }

    @Test func `Initials and all else, replayed from the same port and from others`() async throws {
        try await HostileRig.run({ $0.addressValidation = .above(halfOpenConnections: 50) }) { rig in
            let client = try HandClient(to: rig.port)
            let connection = try client.connect()
            try client.write([0], on: connection, bidirectional: true)
            client.run(for: .milliseconds(50)) { false }
            let sockets = try (0..<16).map { _ in try RawUDP() }
            let packets = client.sent
            for index in 0..<Self.count {
                let packet = packets[index % packets.count]
                if index % 3 == 0 { client.socket.send(packet, to: client.server) }
                sockets[index % 16].send(packet, to: client.server)
            }
            client.run(for: .milliseconds(200)) { client.closed != nil }
            try demand(client.closed == nil, "\(String(describing: client.closed))")
            // It still has the server's ear at its own address.
            try client.write([0x21, 0], on: connection, bidirectional: false)
            let acknowledged = connection.statistics.datagramsReceived
            try demand(client.run { connection.statistics.datagramsReceived > acknowledged }, "no answer any more")
        }
    }

    @Test func `Oversized datagrams, and many packets in one`() async throws {
        try await HostileRig.run { rig in
            let client = try HandClient(to: rig.port)
            let packets = try client.firstPackets(40)
            let socket = try RawUDP()
            var random = Seeded(5)
            for packet in packets {
                // Several clients' Initials in one datagram; garbage behind a good one; zeros.
                socket.send(Array((packets[0] + packet + packets[1]).prefix(65_000)), to: client.server)
                socket.send(packet + random.bytes(20_000), to: client.server)
                socket.send(packet + [UInt8](repeating: 0, count: 60_000), to: client.server)
                socket.send(random.bytes(65_000), to: client.server)
            }
            socket.send(Array(packets.joined().prefix(65_000)), to: client.server)
        }
    }
}
