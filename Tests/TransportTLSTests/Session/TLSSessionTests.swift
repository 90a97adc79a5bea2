import NodeTransport
import Testing
import TransportTLS

/// Two sessions that talk over memory.
@Suite(.timeLimit(.minutes(5))) struct TLSSessionTests {
    private let authority: Authority

    init() throws {
        authority = try Authority()
    }

    private func pair() throws -> TLSPair {
        try TLSPair(client: authority.configuration("node-a"), server: authority.configuration("node-b"))
    }

    @Test func `both sides see who the other is`() throws {
        let pair = try pair()
        pair.exchange()
        for end in [pair.client, pair.server] {
            #expect(end.error == nil)
            #expect(end.isComplete)
            #expect(end.session.version == .tls13)
            #expect(end.session.negotiatedALPN == "h2")
            #expect(end.session.cipher == "TLS_AES_128_GCM_SHA256")
            let group = TLSLibrary.hasPostQuantumKeyExchange ? "X25519MLKEM768" : "x25519"
            #expect(end.session.group == group)
        }
        let server = try #require(pair.client.session.peer)
        #expect(server.commonName == "node-b")
        #expect(server.names == [.dns("node-b"), .ip("127.0.0.1"), .ip("::1")])
        #expect(server.chain.count == 2)
        let client = try #require(pair.server.session.peer)
        #expect(client.commonName == "node-a")
        #expect(client.fingerprint != server.fingerprint)
        #expect(client.publicKeyFingerprint != server.publicKeyFingerprint)
    }

    @Test func `nothing is known of the peer before the handshake is complete`() throws {
        let pair = try pair()
        #expect(pair.client.session.peer == nil)
        #expect(pair.client.session.negotiatedALPN == nil)
        let error = #expect(throws: TLSError.self) { try unsafe pair.client.session.write(.init(start: nil, count: 0)) }
        #expect(error?.code == .sessionClosed)
    }

    @Test(arguments: Array(1...17) + [64, 1000])
    func `a conversation survives being cut into pieces`(chunkBytes: Int) throws {
        let pair = try pair()
        pair.exchange(chunkBytes: chunkBytes)
        pair.client.write(Array("question".utf8))
        pair.server.write(Array("answer".utf8))
        pair.exchange(chunkBytes: chunkBytes)
        #expect(pair.server.received == Array("question".utf8))
        #expect(pair.client.received == Array("answer".utf8))
    }

    @Test func `a flight can be split at every byte`() throws {
        let contexts = (
            client: try TLSContext(authority.configuration("node-a"), role: .client),
            server: try TLSContext(authority.configuration("node-b"), role: .server)
        )
        var split = 1
        while true {
            let pair = try TLSPair(client: contexts.client, server: contexts.server)
            pair.client.start()
            let hello = pair.client.takeOutput()
            unsafe hello.withUnsafeBytes { unsafe pair.server.receive($0) }
            let flight = pair.server.takeOutput()
            guard split < flight.count else { break }
            unsafe flight[..<split].withUnsafeBytes { unsafe pair.client.receive($0) }
            #expect(!pair.client.isComplete)
            unsafe flight[split...].withUnsafeBytes { unsafe pair.client.receive($0) }
            pair.exchange()
            #expect(pair.client.isComplete && pair.server.isComplete, "split at \(split)")
            // Every byte of the first record's header and body, then with a prime stride.
            split += split < 200 ? 1 : 13
        }
    }

    @Test func `a message can be split at every byte`() throws {
        let pair = try pair()
        pair.exchange()
        let message = Array("a message of some length that is one record".utf8)
        var expected: [UInt8] = []
        for split in 1..<(message.count + 22) {
            pair.client.write(message)
            let record = pair.client.takeOutput()
            #expect(record.count == message.count + 22)
            unsafe record[..<split].withUnsafeBytes { unsafe pair.server.receive($0) }
            #expect(pair.server.received == expected)
            unsafe record[split...].withUnsafeBytes { unsafe pair.server.receive($0) }
            expected += message
            #expect(pair.server.received == expected)
        }
    }

    @Test func `five MiB go both ways`() throws {
        let pair = try pair()
        pair.exchange()
        let message = (0..<(5 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        pair.client.write(message)
        pair.server.write(message)
        #expect(pair.client.session.outputBytes > message.count)
        pair.exchange(chunkBytes: 100_003)
        #expect(pair.server.received == message)
        #expect(pair.client.received == message)
        #expect(pair.client.session.outputBytes == 0)
        #expect(pair.client.session.unreadBytes == 0)
    }

    @Test func `what was received and not read is kept`() throws {
        let pair = try pair()
        pair.exchange()
        let message = [UInt8](repeating: 7, count: 100_000)
        pair.client.write(message)
        let ciphertext = pair.client.takeOutput()
        let session = pair.server.session
        try receiveOnly(ciphertext, into: session)
        #expect(session.unreadBytes == ciphertext.count)
        var received: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 1000)
        while case .bytes(let count) = try unsafe room.withUnsafeMutableBytes({ try unsafe session.read(into: $0) }) {
            received += room[..<count]
        }
        #expect(received == message)
        #expect(session.unreadBytes == 0)
        session.releaseIdleMemory()
        pair.client.write(message)
        pair.exchange()
        #expect(pair.server.received == message)
    }

    private func receiveOnly(_ bytes: [UInt8], into session: TLSSession) throws {
        try unsafe bytes.withUnsafeBytes { try unsafe session.receive($0) }
    }

    @Test func `output is dropped as far as it was sent`() throws {
        let pair = try pair()
        pair.exchange()
        pair.client.write([1, 2, 3])
        let total = pair.client.session.outputBytes
        var all: [UInt8] = []
        while pair.client.session.outputBytes > 0 { all += pair.client.takeOutput(atMost: 5) }
        #expect(all.count == total)
        unsafe all.withUnsafeBytes { unsafe pair.server.receive($0) }
        #expect(pair.server.received == [1, 2, 3])
    }

    @Test func `close ends one direction`() throws {
        let pair = try pair()
        pair.exchange()
        pair.client.write([1])
        pair.client.session.close()
        pair.exchange()
        #expect(pair.server.received == [1])
        #expect(pair.server.isClosed)
        #expect(pair.server.error == nil)
        pair.server.write([2])
        pair.exchange()
        #expect(pair.client.received == [2])
        pair.client.write([3])
        #expect(pair.client.error?.code != nil)
    }

    @Test func `TLS 1.2 is spoken when both sides allow it`() throws {
        var server = try authority.configuration("node-b")
        server.minimumVersion = .tls12
        var client = try authority.configuration("node-a")
        client.minimumVersion = .tls12
        let pair = try TLSPair(
            client: TLSContext(client, role: .client, maximumVersion: .tls12),
            server: TLSContext(server, role: .server)
        )
        pair.exchange()
        #expect(pair.client.session.version == .tls12)
        #expect(pair.server.session.peer?.commonName == "node-a")
        #expect(pair.client.session.negotiatedALPN == "h2")
        pair.client.write([UInt8](repeating: 1, count: 50_000))
        pair.exchange()
        #expect(pair.server.received.count == 50_000)
    }

    @Test func `a server that asks for no certificate sees no peer`() throws {
        var server = try authority.configuration("node-b")
        server.clientAuthentication = .none
        let client = TLSConfiguration(identity: nil, trust: try authority.trust)
        let pair = try TLSPair(client: client, server: server)
        pair.exchange()
        #expect(pair.server.isComplete && pair.server.error == nil)
        #expect(pair.server.session.peer == nil)
        #expect(pair.client.session.peer?.commonName == "node-b")
    }

    @Test func `a server without identity is refused`() throws {
        let configuration = TLSConfiguration(identity: nil, trust: try authority.trust)
        let error = #expect(throws: TLSError.self) { try TLSContext(configuration, role: .server) }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test func `a context serves many threads`() async throws {
        let client = try TLSContext(authority.configuration("node-a"), role: .client)
        let server = try TLSContext(authority.configuration("node-b"), role: .server)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask { @concurrent in
                    for _ in 0..<10 {
                        guard let pair = try? TLSPair(client: client, server: server) else { return false }
                        pair.exchange()
                        guard pair.client.isComplete, pair.server.session.peer?.commonName == "node-a" else {
                            return false
                        }
                    }
                    return true
                }
            }
            for await isGood in group { #expect(isGood) }
        }
    }
}
