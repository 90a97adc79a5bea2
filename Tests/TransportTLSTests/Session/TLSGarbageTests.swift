import NodeTransport
import Testing
import TransportTLS

/// What a hostile peer or a broken network can send: an error, never a trap.
@Suite struct TLSGarbageTests {
    private let client: TLSContext
    private let server: TLSContext

    init() throws {
        let authority = try Authority()
        client = try TLSContext(authority.configuration("node-a"), role: .client)
        server = try TLSContext(authority.configuration("node-b"), role: .server)
    }

    private func pair() throws -> TLSPair {
        try TLSPair(client: client, server: server)
    }

    @Test(arguments: ["GET / HTTP/1.1\r\nHost: node-b\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SSH-2.0-x\r\n"])
    func `plain text is told apart from TLS`(text: String) throws {
        let pair = try pair()
        unsafe Array(text.utf8).withUnsafeBytes { unsafe pair.server.receive($0) }
        #expect(pair.server.error?.code == .notTLS, "\(String(describing: pair.server.error))")
    }

    @Test func `a plain-text server is told apart from TLS`() throws {
        let pair = try pair()
        pair.client.start()
        unsafe Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8).withUnsafeBytes { unsafe pair.client.receive($0) }
        #expect(pair.client.error?.code == .notTLS, "\(String(describing: pair.client.error))")
    }

    @Test func `random bytes never complete a handshake`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(state: seed)
        for round in 0..<300 {
            let pair = try pair()
            var bytes = (0..<Int.random(in: 1...600, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            // Half of them pass for a handshake record, to get further in.
            if round.isMultiple(of: 2) { bytes = [22, 3, 1, 0, UInt8(min(bytes.count, 255))] + bytes }
            unsafe bytes.withUnsafeBytes { unsafe pair.server.receive($0) }
            pair.client.start()
            unsafe bytes.withUnsafeBytes { unsafe pair.client.receive($0) }
            #expect(!pair.server.isComplete && !pair.client.isComplete, "seed \(seed), round \(round)")
        }
    }

    @Test func `a changed byte in a flight never completes a handshake with that flight`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(state: seed)
        for round in 0..<100 {
            let pair = try pair()
            pair.client.start()
            let hello = pair.client.takeOutput()
            unsafe hello.withUnsafeBytes { unsafe pair.server.receive($0) }
            var flight = pair.server.takeOutput()
            // Behind the server hello and the dummy change-cipher-spec everything is authenticated.
            let place = Int.random(in: 300..<flight.count, using: &random)
            flight[place] ^= UInt8.random(in: 1...255, using: &random)
            unsafe flight.withUnsafeBytes { unsafe pair.client.receive($0) }
            #expect(!pair.client.isComplete, "seed \(seed), round \(round), byte \(place)")
        }
    }

    @Test func `a changed record ends the session and tells the peer`() throws {
        let pair = try pair()
        pair.exchange()
        pair.client.write(Array("good".utf8))
        pair.client.write(Array("bad".utf8))
        var records = pair.client.takeOutput()
        records[records.count - 1] ^= 1
        unsafe records.withUnsafeBytes { unsafe pair.server.receive($0) }
        #expect(pair.server.received == Array("good".utf8))
        #expect(pair.server.error?.code == .protocolViolation)
        #expect(pair.server.session.outputBytes > 0)
        pair.exchange()
        #expect(pair.client.error?.alert?.description == "bad record mac")
    }
}

/// SplitMix64: small, and the same everywhere.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
