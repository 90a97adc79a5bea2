import CSystem
import EventLoops
import Glibc
import Testing

@Suite("Sending datagrams", .timeLimit(.minutes(5)))
struct UDPSendTests {
    /// Each way in which the kernel may help or not, on either side.
    static let features: [UDPFeatures] = [
        [], .segmentationOffload, .receiveOffload, [.segmentationOffload, .receiveOffload],
        .all.subtracting(.reusePort),
    ]

    @Test("Trains arrive as the same datagrams, whatever the kernel helps with", arguments: features, features)
    func trains(sender: UDPFeatures, receiver: UDPFeatures) async throws {
        try await withLoop { loop in
            let server = UDPPeer(
                try UDPSocket.bind(
                    .loopback(.ipv4), on: loop, configuration: .without(.all.subtracting(receiver))))
            let client = UDPPeer(
                try UDPSocket.bind(.loopback(.ipv4), on: loop, configuration: .without(.all.subtracting(sender))))
            #expect(client.socket.features.isSubset(of: sender))
            #expect(server.socket.features.isSubset(of: receiver))
            // A short last one; exact; shorter than one; more than a call takes; more than a train may carry.
            let trains = [(12_345, 1_200), (12_000, 1_200), (99, 100), (20_010, 100), (200_000, 8_900)]
            var expected: [[UInt8]] = []
            try await withStarted(server, client) {
                for (total, segment) in trains {
                    expected += parts(of: pattern(total), segment)
                    let sent = try await client.socket.send(
                        pattern(total), segmentBytes: segment, to: server.socket.localAddress)
                    #expect(sent == .sent)
                    let came = await server.wait(for: expected.count)
                    #expect(came == expected)
                }
            }
            #expect(client.socket.statistics.sentDatagrams == expected.count)
            #expect(client.socket.statistics.sentBytes == trains.reduce(0) { $0 + $1.0 })
        }
    }

    @Test("A train is one call on each side", arguments: [InternetAddress.Family.ipv4, .ipv6])
    func offload(family: InternetAddress.Family) async throws {
        try await withLoop { loop in
            let server = UDPPeer(try UDPSocket.bind(.loopback(family), on: loop))
            let client = UDPPeer(try UDPSocket.bind(.loopback(family), on: loop))
            try await withStarted(server, client) {
                _ = try await client.socket.send(
                    pattern(12_345), segmentBytes: 1_200, ecn: .capable0, to: server.socket.localAddress)
                await server.wait(for: 11)
            }
            #expect(server.seen.datagrams == parts(of: pattern(12_345), 1_200))
            if client.socket.features.contains(.segmentationOffload) {
                #expect(client.socket.statistics.sendCalls == 1)
                if server.socket.features.contains(.receiveOffload) {
                    #expect(server.seen.arrivals.count == 1)
                    #expect(server.seen.arrivals.first?.ecn == .capable0)
                }
            }
        }
    }

    @Test("A kernel that will not cut is asked once, and nothing is lost by it")
    func refusedOffload() async throws {
        try await withLoop { loop in
            let server = UDPPeer(try UDPSocket.bind(.loopback(.ipv4), on: loop))
            let client = UDPPeer(try UDPSocket.bind(.loopback(.ipv4), on: loop))
            try #require(client.socket.features.contains(.segmentationOffload))
            // Linux refuses to cut what it may not compute checksums for.
            var on: Int32 = 1
            let code = unsafe setsockopt(
                client.socket.descriptor, SOL_SOCKET, SO_NO_CHECK, &on, socklen_t(MemoryLayout<Int32>.size))
            try #require(code == 0)
            try await withStarted(server, client) {
                for round in 1...2 {
                    let sent = try await client.socket.send(
                        pattern(12_345), segmentBytes: 1_200, to: server.socket.localAddress)
                    #expect(sent == .sent)
                    #expect(!client.socket.features.contains(.segmentationOffload))
                    await server.wait(for: 11 * round)
                }
            }
            let datagrams = parts(of: pattern(12_345), 1_200)
            #expect(server.seen.datagrams == datagrams + datagrams)
        }
    }

    @Test("A source address that is not ours is refused, and costs the train nothing", arguments: [1, 3])
    func foreignSource(count: Int) async throws {
        try await withLoop { loop in
            let client = UDPPeer(try UDPSocket.bind(.any(.ipv4), on: loop))
            try #require(client.socket.features.contains(.packetInfo))
            let before = client.socket.features
            let source = try #require(InternetAddress("192.0.2.1", port: 0))
            try await withStarted(client) {
                let sent = try await client.socket.send(
                    pattern(100 * count), segmentBytes: 100, from: source, to: client.socket.localAddress)
                guard case .refused = sent else {
                    Issue.record("\(sent)")
                    return
                }
            }
            #expect(client.socket.features == before)
        }
    }

    @Test("A datagram that is too large is reported, and the next one leaves", arguments: [1, 2])
    func tooLarge(count: Int) async throws {
        try await withLoop { loop in
            let server = UDPPeer(try UDPSocket.bind(.loopback(.ipv4), on: loop))
            let client = UDPPeer(try UDPSocket.bind(.loopback(.ipv4), on: loop))
            try await withStarted(server, client) {
                for segment in [65_520, 70_000] {
                    let sent = try await client.socket.send(
                        pattern(segment * count), segmentBytes: segment, to: server.socket.localAddress)
                    #expect(sent == .tooLarge(sentBytes: 0))
                }
                let next = try await client.socket.send(pattern(65_507), to: server.socket.localAddress)
                #expect(next == .sent)
                await server.wait(for: 1)
            }
            #expect(server.seen.datagrams == [pattern(65_507)])
        }
    }

    @Test("A connected socket also hears which size the path takes")
    func namedMTU() async throws {
        try await withLoop { loop in
            let server = try UDPSocket.bind(.loopback(.ipv4), on: loop)
            let client = UDPPeer(try UDPSocket.connect(to: server.localAddress, on: loop))
            try await withStarted(client) {
                let sent = try await client.socket.send(pattern(65_520), to: server.localAddress)
                #expect(sent == .tooLarge(sentBytes: 0))
                await client.wait { !$0.failures.isEmpty }
                let failure = client.seen.failures.first
                #expect(failure?.errno == EMSGSIZE)
                #expect(failure?.mtu ?? 0 >= 1_280)
                let next = try await client.socket.send(pattern(1_000), to: server.localAddress)
                #expect(next == .sent)
            }
        }
    }

    @Test("A full buffer holds the sender up until there is room; nothing is lost or sent twice")
    func backPressure() async throws {
        try await withLoop { loop in
            // Loopback has no queue to fill; a pair of Unix sockets has.
            var descriptors: [Int32] = [-1, -1]
            let kind = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
            try #require(unsafe socketpair(AF_UNIX, kind, 0, &descriptors) == 0)
            let (here, there) = (InternetAddress.loopback(.ipv4, port: 1), InternetAddress.loopback(.ipv4, port: 2))
            var configuration = UDPConfiguration()
            configuration.sendBufferBytes = 20_000
            let sender = UDPPeer(
                UDPSocket(
                    adopting: descriptors[0], local: here, remote: there, on: loop, configuration: configuration))
            let reader = UDPPeer(UDPSocket(adopting: descriptors[1], local: there, remote: here, on: loop))
            let bytes = pattern(1_000_050)
            let log = Log<UDPSendResult>()
            // Used on the loop only.
            nonisolated(unsafe) var offset = 0
            let send: @Sendable () -> Void = {
                while true {
                    let result = sender.socket.send(Array(bytes[offset...]).span.bytes, segmentBytes: 100, to: there)
                    log.append(result)
                    guard case .blocked(let sent) = result else { return }
                    offset += sent
                    if sent == 0 { return }
                }
            }
            sender.onWritable = { _ in send() }
            try await withStarted(sender, reader) {
                try await loop.perform(send)
                await reader.wait { $0.arrivals.count >= 10_001 }
            }
            #expect(reader.seen.datagrams == parts(of: bytes, 100))
            #expect(reader.seen.arrivals.allSatisfy { $0.remote == here && $0.local == there })
            #expect(log.entries.count > 1 && log.entries.last == .sent)
            #expect(sender.socket.statistics.blockedSends > 0)
        }
    }

    @Test("Many datagrams of all sizes come through, a few under way at a time", arguments: [UInt64(1), 2])
    func stress(seed: UInt64) async throws {
        try await withLoops(2) { group in
            let server = UDPPeer(try UDPSocket.bind(.loopback(.ipv6), on: group.loops[0]))
            let client = UDPPeer(try UDPSocket.bind(.loopback(.ipv6), on: group.loops[1]))
            server.onReceived = { datagrams, socket in
                _ = socket.send(
                    datagrams.bytes, segmentBytes: datagrams.segmentBytes, from: datagrams.local, to: datagrams.remote)
            }
            var random = SeededGenerator(seed: seed)
            try await withStarted(server, client) {
                var expected: [[UInt8]] = []
                for round in 0..<300 {
                    let segment = Int.random(in: 1...1_500, using: &random)
                    let total = Int.random(in: 1...(64 * segment), using: &random)
                    let bytes = pattern(total)
                    expected = parts(of: bytes, segment)
                    let before = client.seen.arrivals.count
                    let sent = try await client.socket.send(
                        bytes, segmentBytes: segment, to: server.socket.localAddress)
                    #expect(sent == .sent, "seed \(seed), round \(round)")
                    let count = expected.count
                    let seen = await client.wait { seen in
                        seen.arrivals[before...].reduce(0) { $0 + $1.datagrams.count } >= count
                    }
                    let came = seen.arrivals[before...].flatMap(\.datagrams)
                    try #require(came == expected, "seed \(seed), round \(round)")
                }
            }
        }
    }
}
