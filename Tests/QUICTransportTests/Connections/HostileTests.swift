import NodeTransport
import QUICTransport
import Testing

/// What strangers send does not disturb those who are served.
@Suite(.timeLimit(.minutes(1))) struct HostileTests {
    @Test func `garbage at a live server is dropped while good clients work`() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await Rig.run { rig in
            try await rig.withClient { connection in
                let hole = try UDPHole()
                defer { hole.close() }
                var generator = SplitMix(state: seed)
                for round in 0..<200 {
                    for _ in 0..<10 { hole.send(generator.datagram(), to: rig.port) }
                    let message = Bytes(utf8: "round \(round)")
                    #expect(try await connection.call(RigMethods.unary, message) == message, "seed \(seed)")
                }
                try await rig.expectServed()
            }
        }
    }

    @Test func `many small calls pass a connection's window many times over`() async throws {
        let configure = { (configuration: inout QUICTransport.Configuration) in
            configuration.connectionWindowBytes = 16 << 10
            configuration.maximumConnectionWindowBytes = 16 << 10
        }
        try await Rig.run(configure: configure) { rig in
            try await rig.withClient(configure: configure) { connection in
                let message = Bytes([UInt8](repeating: 7, count: 500))
                for _ in 0..<400 { #expect(try await connection.call(RigMethods.unary, message) == message) }
                // Answers that nobody reads must not use the window up either.
                for _ in 0..<100 {
                    let call = try await connection.call(RigMethods.stream)
                    try await call.requests.send(message)
                    _ = try await call.responses.initialMetadata()
                    call.cancel()
                }
                #expect(try await connection.call(RigMethods.unary, message) == message)
            }
        }
    }
}

/// Random datagrams that a seed repeats.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }

    /// Noise, or noise behind the first bytes of a QUIC packet.
    mutating func datagram() -> [UInt8] {
        let count = [0, 1, 20, 21, 41, 1199, 1200, 1300, 1472].randomElement(using: &self) ?? 1
        var bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
        if count > 30, Bool.random(using: &self) {
            let header: [UInt8] = [0xc0, 0, 0, 0, 1, 16]
            bytes.replaceSubrange(0..<header.count, with: header)
            bytes[0] |= UInt8.random(in: 0..<64, using: &self)
        }
        return bytes
    }
}
