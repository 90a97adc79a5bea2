import EventLoops
import Testing

@Suite("Receiving datagrams", .timeLimit(.minutes(5)))
struct UDPReceiveTests {
    @Test("They arrive whole, with both addresses", arguments: [InternetAddress.Family.ipv4, .ipv6])
    func echo(family: InternetAddress.Family) async throws {
        try await withLoop { loop in
            let server = UDPPeer(try UDPSocket.bind(.loopback(family), on: loop))
            let client = UDPPeer(try UDPSocket.bind(.loopback(family), on: loop))
            server.onReceived = { datagrams, socket in
                _ = socket.send(datagrams.bytes, from: datagrams.local, to: datagrams.remote)
            }
            try await withStarted(server, client) {
                for size in [1, 0, 1_200, 9_000] {
                    let sent = try await client.socket.send(pattern(size), to: server.socket.localAddress)
                    #expect(sent == .sent)
                }
                await client.wait(for: 4)
            }
            let arrivals = client.seen.arrivals
            #expect(client.seen.datagrams == [1, 0, 1_200, 9_000].map { pattern($0) })
            #expect(arrivals.allSatisfy { $0.remote == server.socket.localAddress })
            #expect(arrivals.allSatisfy { $0.local == client.socket.localAddress })
            #expect(server.socket.statistics.receivedDatagrams == 4)
            #expect(server.socket.statistics.receivedBytes == 10_201)
        }
    }

    @Test("A dual-stack socket takes both families, each by its own address", arguments: [true, false])
    func dualStack(isDualStack: Bool) async throws {
        try await withLoop { loop in
            var configuration = UDPConfiguration()
            configuration.isDualStack = isDualStack
            let server = UDPPeer(try UDPSocket.bind(.any(.ipv6), on: loop, configuration: configuration))
            let port = server.socket.localAddress.port
            // The only family of peers is IPv6 when it is not dual-stack: the IPv4 port is free then.
            let families: [InternetAddress.Family] = isDualStack ? [.ipv4, .ipv6] : [.ipv6]
            for family in families {
                let client = UDPPeer(try UDPSocket.bind(.loopback(family), on: loop))
                try await loop.perform {
                    server.onReceived = { datagrams, socket in
                        _ = socket.send(
                            datagrams.bytes, ecn: .capable0, from: datagrams.local, to: datagrams.remote)
                    }
                }
                if family == families[0] { try await loop.perform { try server.socket.start(server) } }
                try await withStarted(client) {
                    _ = try await client.socket.send(pattern(100), to: .loopback(family, port: port))
                    await client.wait(for: 1)
                }
                let arrival = try #require(client.seen.arrivals.first)
                #expect(arrival.remote == .loopback(family, port: port))
                #expect(arrival.datagrams == [pattern(100)])
                if client.socket.features.contains(.ecn) { #expect(arrival.ecn == .capable0) }
            }
            try await loop.perform { server.socket.close() }
        }
    }

    @Test("An answer can leave from the address that was asked, one of many")
    func pinnedSource() async throws {
        try await withLoop { loop in
            let server = UDPPeer(try UDPSocket.bind(.any(.ipv4), on: loop))
            try #require(server.socket.features.contains(.packetInfo))
            server.onReceived = { datagrams, socket in
                _ = socket.send(datagrams.bytes, from: datagrams.local, to: datagrams.remote)
            }
            let asked = try #require(InternetAddress("127.0.0.5", port: server.socket.localAddress.port))
            let client = UDPPeer(try UDPSocket.bind(.loopback(.ipv4), on: loop))
            try await withStarted(server, client) {
                _ = try await client.socket.send([7], to: asked)
                await client.wait(for: 1)
            }
            #expect(client.seen.arrivals.map(\.remote) == [asked])
        }
    }

    @Test("Marks arrive", arguments: [InternetAddress.Family.ipv4, .ipv6])
    func marks(family: InternetAddress.Family) async throws {
        try await withLoop { loop in
            let server = UDPPeer(try UDPSocket.bind(.loopback(family), on: loop))
            let client = UDPPeer(try UDPSocket.bind(.loopback(family), on: loop))
            try #require(server.socket.features.contains(.ecn))
            let marks: [ECN] = [.notCapable, .capable1, .capable0, .congestionExperienced]
            try await withStarted(server, client) {
                for mark in marks {
                    _ = try await client.socket.send([mark.rawValue], ecn: mark, to: server.socket.localAddress)
                }
                await server.wait(for: 4)
            }
            #expect(server.seen.arrivals.map(\.ecn) == marks)
            #expect(server.seen.datagrams == marks.map { [$0.rawValue] })
        }
    }

    @Test func aDatagramWithoutRoomIsDroppedAndCounted() async throws {
        try await withLoop { loop in
            var configuration = UDPConfiguration.without(.receiveOffload)
            configuration.maximumDatagramBytes = 1_000
            let server = UDPPeer(
                try UDPSocket.bind(.loopback(.ipv4), on: loop, configuration: configuration))
            let client = UDPPeer(try UDPSocket.bind(.loopback(.ipv4), on: loop))
            try await withStarted(server, client) {
                for size in [1_001, 1_000] {
                    _ = try await client.socket.send(pattern(size), to: server.socket.localAddress)
                }
                await server.wait(for: 1)
            }
            #expect(server.seen.datagrams == [pattern(1_000)])
            #expect(server.socket.statistics.truncatedDatagrams == 1)
        }
    }

    @Test("A flood is read in portions, so that other sockets have their turn")
    func budget() async throws {
        try await withLoop { loop in
            var configuration = UDPConfiguration.without(.receiveOffload)
            configuration.maximumDatagramBytes = 65_536
            configuration.receivesPerWakeUp = 1
            let server = UDPPeer(
                try UDPSocket.bind(.loopback(.ipv4), on: loop, configuration: configuration))
            let client = UDPPeer(try UDPSocket.bind(.loopback(.ipv4), on: loop))
            try await withStarted(server, client) {
                // In one turn of the loop, so that all wait when the next begins.
                try await loop.perform {
                    for _ in 0..<40 { _ = client.socket.send(pattern(10).span.bytes, to: server.socket.localAddress) }
                }
                await server.wait { $0.datagrams.count >= 40 && $0.wakeUps >= 10 }
            }
            // The read buffer has room for four.
            #expect(server.seen.wakeUps == 10)
        }
    }

    @Test func closingWithinACallOfTheHandlerIsTheLastOfIt() async throws {
        try await withLoop { loop in
            let server = UDPPeer(
                try UDPSocket.bind(
                    .loopback(.ipv4), on: loop, configuration: .without(.receiveOffload)))
            let client = UDPPeer(try UDPSocket.bind(.loopback(.ipv4), on: loop))
            let (log, hasClosed) = (Log<Int>(), Signal())
            server.onReceived = { datagrams, socket in
                log.append(datagrams.bytes.byteCount)
                socket.close()
                hasClosed.fire()
            }
            try await withStarted(server, client) {
                try await loop.perform {
                    for size in 1...5 {
                        _ = client.socket.send(pattern(size).span.bytes, to: server.socket.localAddress)
                    }
                }
                await hasClosed.wait()
                // Once the flushes of a turn run, its sockets have had their say.
                for _ in 0..<3 {
                    let hasTurned = Signal()
                    try await loop.perform { loop.scheduleFlush(Probe(onFlush: { _ in hasTurned.fire() })) }
                    await hasTurned.wait()
                }
                let after = try await server.socket.send([1], to: client.socket.localAddress)
                #expect(after != .sent)
            }
            #expect(log.entries == [1])
            #expect(server.seen.wakeUps == 0)
        }
    }

    @Test func aPeerThatIsNotThereIsReportedAndTheSocketGoesOn() async throws {
        try await withLoop { loop in
            // A port at which nobody hears us, and which the system gives to nobody else: its socket hears another only.
            let other = try UDPSocket.bind(.loopback(.ipv4), on: loop)
            let deaf = try UDPSocket.connect(to: other.localAddress, on: loop)
            defer { withExtendedLifetime((other, deaf)) {} }
            let address = deaf.localAddress
            let client = UDPPeer(try UDPSocket.connect(to: address, on: loop))
            try await withStarted(client) {
                for round in 1...2 {
                    let sent = try await client.socket.send([1], to: address)
                    #expect(sent == .sent)
                    await client.wait { $0.failures.count >= round }
                }
            }
            #expect(client.seen.failures.allSatisfy { $0.errno == 111 && $0.remote == address })
            #expect(client.seen.failures.first?.description == "Connection refused (to \(address))")
        }
    }
}
