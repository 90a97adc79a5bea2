import NodeTransport
import QUICEngine
import Testing

/// A client that breaks HTTP/3 is told so and shown out.
@Suite("Hostile HTTP/3", .timeLimit(.minutes(4)), .serialized)
struct HTTP3AttackTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let code: UInt64
        /// The streams that are opened, in order.
        let streams: [(bytes: [UInt8], isBidirectional: Bool, isLast: Bool)]

        init(_ description: String, _ code: UInt64, _ streams: [(bytes: [UInt8], isBidirectional: Bool, isLast: Bool)])
        {
            testDescription = description
            self.code = code
            self.streams = streams
        }
    }

    /// RFC 9114 §8.1 and RFC 9204 §6.
    static let attacks: [Attack] = [
        Attack("DATA before HEADERS", 0x105, [(control, false, false), ([0, 1, 42], true, false)]),
        Attack("a second SETTINGS", 0x105, [(control + [4, 0], false, false)]),
        Attack("a control stream without SETTINGS", 0x10a, [([0, 7, 1, 0], false, false)]),
        Attack("HEADERS on the control stream", 0x105, [(control + [1, 2, 0, 0], false, false)]),
        Attack("a frame type of HTTP/2", 0x105, [(control + [2, 0], false, false)]),
        Attack("a setting of HTTP/2", 0x109, [([0, 4, 2, 2, 1], false, false)]),
        Attack("two control streams", 0x103, [(control, false, false), (control, false, false)]),
        Attack("a control stream that ends", 0x104, [(control, false, true)]),
        Attack("a client's push stream", 0x103, [(control, false, false), ([1, 0], false, false)]),
        Attack(
            "a field section beyond the table", 0x200, [(control, false, false), ([1, 3, 0, 0, 0xff], true, false)]),
        Attack(
            "nonsense on the encoder stream", 0x201,
            [(control, false, false), ([2, 0x3f, 0xff, 0xff, 0xff, 0x7f], false, false)]),
        Attack("nonsense on the decoder stream", 0x202, [(control, false, false), ([3, 0x05], false, false)]),
    ]

    private static let control: [UInt8] = [0, 4, 0]

    @Test(arguments: attacks)
    func `is answered with its error code`(_ attack: Attack) async throws {
        try await HostileRig.run { rig in
            let client = try HandClient(to: rig.port)
            let connection = try client.connect()
            for stream in attack.streams {
                try client.write(
                    stream.bytes, on: connection, bidirectional: stream.isBidirectional, isLast: stream.isLast)
            }
            try demand(client.run { client.closed != nil }, "\(attack.testDescription): not shown out")
            guard case .application(attack.code, _, byPeer: true) = client.closed else {
                throw RawUDP.Failure(description: "\(attack.testDescription): \(String(describing: client.closed))")
            }
        }
    }

    /// Each client says something else; some of it ends the connection and some does not.
    @Test func `Random frames on random streams`() async throws {
        try await HostileRig.run { rig in
            var shownOut = 0
            for seed in UInt64(0)..<40 {
                var random = Seeded(seed)
                let client = try HandClient(to: rig.port)
                let connection = try client.connect()
                for _ in 0..<8 {
                    let isBidirectional = random.chance(0.6)
                    var bytes: [UInt8] = isBidirectional ? [] : [UInt8.random(in: 0...4, using: &random)]
                    for _ in 0..<Int.random(in: 0...6, using: &random) {
                        let payload = random.bytes(Int.random(in: 0...60, using: &random))
                        bytes += [UInt8.random(in: 0...13, using: &random), UInt8(payload.count)] + payload
                    }
                    guard let stream = try? connection.openStream(isBidirectional: isBidirectional) else { break }
                    _ = connection.write(stream, Bytes(bytes), isLast: random.chance(0.5))
                }
                // Patient until one was: on a busy machine all might else be left too soon.
                client.run(for: shownOut > 0 ? .milliseconds(50) : .seconds(2)) { client.closed != nil }
                guard let reason = client.closed else { continue }
                shownOut += 1
                guard case .application(_, _, byPeer: true) = reason else {
                    throw RawUDP.Failure(description: "seed \(seed): \(reason)")
                }
            }
            try demand(shownOut > 0, "everything random was taken")
        }
    }

    /// The prefix of a message says how long it will be; that is no reason to set memory aside for it.
    @Test func `Requests that never end, and messages that are only announced`() async throws {
        try await HostileRig.run { rig in
            var clients: [(HandClient, QUICConnection)] = []
            for _ in 0..<8 {
                let client = try HandClient(to: rig.port)
                let connection = try client.connect()
                try client.write(Self.control, on: connection, bidirectional: false)
                let body: [UInt8] = [0, 5, 0, 0, 0x3f, 0xff, 0xff]
                while let stream = try? connection.openStream(isBidirectional: true) {
                    _ = connection.write(stream, Bytes(Self.request + body))
                }
                client.run(for: .milliseconds(100)) { client.closed != nil }
                try demand(client.closed == nil, "\(String(describing: client.closed))")
                clients.append((client, connection))
            }
        }
    }

    /// A call of the echo method, in literals.
    private static var request: [UInt8] {
        var section: [UInt8] = [0, 0]
        for (name, value) in [
            (":method", "POST"), (":scheme", "https"), (":path", "/test.Hostile/Echo"), (":authority", "localhost"),
            ("te", "trailers"), ("content-type", "application/grpc"),
        ] {
            let (name, value) = (Array(name.utf8), Array(value.utf8))
            // RFC 9204 §4.5.6: a prefix of 3 bits for the name's length, of 7 for the value's.
            section += name.count < 7 ? [0x20 | UInt8(name.count)] : [0x27, UInt8(name.count - 7)]
            section += name + [UInt8(value.count)] + value
        }
        return [1, 0x40 | UInt8(section.count >> 8), UInt8(section.count & 255)] + section
    }
}
