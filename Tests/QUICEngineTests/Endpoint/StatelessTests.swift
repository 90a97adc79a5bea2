import NodeTransport
import QUICEngine
import Testing

@Suite("QUIC packets without a connection")
struct StatelessTests {
    @Test func `A version that is not ours is answered with those that are`() throws {
        let pair = try Pair()
        var answers: [[UInt8]] = []
        let stranger = try #require(QUICAddress("10.0.0.5", port: 5))
        // A long header, version 0xbabababa, destination ID of 8 bytes, source ID of 4.
        var packet: [UInt8] = [0xc0, 0xba, 0xba, 0xba, 0xba, 8, 1, 2, 3, 4, 5, 6, 7, 8, 4, 11, 12, 13, 14]
        packet += [UInt8](repeating: 0, count: 1200 - packet.count)
        let listener = pair.client
        listener.address = stranger
        pair.tap = {
            if $0.to == stranger { answers.append($0.bytes) }
            return $0.bytes
        }
        pair.inject(packet, to: pair.server, from: stranger)
        pair.pass(.seconds(1))
        let answer = try #require(answers.first)
        #expect(answer[0] & 0x80 != 0 && Array(answer[1...4]) == [0, 0, 0, 0])
        #expect(Array(answer[5...9]) == [4, 11, 12, 13, 14])
        #expect(Array(answer[10...18]) == [8, 1, 2, 3, 4, 5, 6, 7, 8])
        #expect(Array(answer[19...22]) == [0, 0, 0, 1])
        // Less than a client must send gets no answer.
        pair.inject(Array(packet.prefix(1199)), to: pair.server, from: stranger)
        pair.pass(.seconds(1))
        #expect(answers.count == 1)
    }

    @Test func `A client that has no version in common with the server gives up`() throws {
        let pair = try Pair()
        var isAnswered = false
        pair.tap = { [unowned pair] datagram in
            guard datagram.to == pair.server.address else { return datagram.bytes }
            if !isAnswered {
                isAnswered = true
                let bytes = datagram.bytes
                let destination = Array(bytes[5...(5 + Int(bytes[5]))])
                let rest = 6 + Int(bytes[5])
                let source = Array(bytes[rest...(rest + Int(bytes[rest]))])
                pair.inject(
                    [0x80, 0, 0, 0, 0] + source + destination + [0xff, 0, 0, 99], to: pair.client, from: datagram.to)
            }
            return nil
        }
        try pair.connect()
        #expect(pair.run(for: .seconds(5)) { !pair.client.closes.isEmpty })
        guard case .versionNegotiationFailed = pair.client.closes.first else {
            Issue.record("\(pair.client.closes)")
            return
        }
    }

    @Test func `A server that has lost its connections resets them`() throws {
        let secrets = QUICSecrets()
        let pair = try Pair(serverSecrets: secrets)
        let connection = try pair.handshake()
        pair.pass(.seconds(1))
        // The server restarts with the same secrets.
        let reborn = try Pair(serverSecrets: secrets, seed: 9)
        var resets: [[UInt8]] = []
        pair.tap = { [unowned pair] datagram in
            guard datagram.to == pair.server.address else { return datagram.bytes }
            reborn.inject(datagram.bytes, to: reborn.server, from: datagram.from)
            return nil
        }
        reborn.tap = { [unowned pair, unowned reborn] in
            if $0.to == pair.client.address && $0.from == reborn.server.address { resets.append($0.bytes) }
            return $0.bytes
        }
        let stream = try connection.openStream(isBidirectional: true)
        _ = connection.write(stream, "anyone there, after all that time?")
        pair.pass(.milliseconds(50))
        reborn.pass(.milliseconds(50))
        let reset = try #require(resets.first)
        #expect(reset.count < 60 && reset[0] & 0xc0 == 0x40)
        pair.inject(reset, to: pair.client, from: pair.server.address)
        #expect(pair.run(for: .seconds(1)) { !pair.client.closes.isEmpty })
        guard case .statelessReset = pair.client.closes.first else {
            Issue.record("\(pair.client.closes)")
            return
        }
    }

    @Test func `Stateless resets are limited in number, and none answers what is too short`() throws {
        var configuration = QUICConfiguration()
        configuration.statelessResetsPerSecond = 10
        let pair = try Pair(serverConfiguration: configuration)
        let stranger = try #require(QUICAddress("10.0.0.5", port: 5))
        var generator = SeededGenerator(3)
        for _ in 0..<50 {
            var packet = generator.bytes(100)
            packet[0] = 0x40
            pair.inject(packet, to: pair.server, from: stranger)
            pair.inject([0x40] + generator.bytes(20), to: pair.server, from: stranger)
        }
        pair.pass(.milliseconds(10))
        #expect(pair.bytesToClient == 10 * 42)
    }

    @Test func `A datagram tells whose loop issued its connection ID`() throws {
        let secrets = QUICSecrets()
        for loop in [UInt8(0), 1, 7, 255] {
            var configuration = QUICConfiguration()
            configuration.loopIndex = loop
            let pair = try Pair(serverConfiguration: configuration, serverSecrets: secrets)
            var found: Set<UInt8> = []
            var firstBytes: Set<UInt8> = []
            pair.tap = { [unowned pair] in
                if $0.to == pair.server.address,
                    let loop = $0.bytes.withUnsafeBytes({ QUICEndpoint.loopIndex(ofDatagram: $0, secrets: secrets) })
                {
                    found.insert(loop)
                    if $0.bytes[0] & 0x80 == 0 { firstBytes.insert($0.bytes[1]) }
                }
                return $0.bytes
            }
            for _ in 0..<10 { try pair.handshake() }
            #expect(found == [loop])
            // The number is not there in the clear.
            #expect(firstBytes.count > 3)
        }
        #expect(
            [UInt8]([0x40, 1, 2]).withUnsafeBytes { QUICEndpoint.loopIndex(ofDatagram: $0, secrets: secrets) } == nil)
        #expect([UInt8]().withUnsafeBytes { QUICEndpoint.loopIndex(ofDatagram: $0, secrets: secrets) } == nil)
    }
}
