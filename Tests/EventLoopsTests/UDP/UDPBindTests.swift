import EventLoops
import Glibc
import Testing

@Suite("Binding datagram sockets", .timeLimit(.minutes(5)))
struct UDPBindTests {
    @Test("A port that is taken is refused, shared or not", arguments: [1, 2], [1, 2])
    func taken(first: Int, second: Int) async throws {
        try await withLoops(2) { group in
            let sockets = try UDPSocket.bind(.loopback(.ipv4), on: Array(group.loops.prefix(first)))
            #expect(sockets.count == first)
            #expect(Set(sockets.map(\.localAddress)).count == 1)
            #expect(sockets.allSatisfy { $0.features.contains(.reusePort) == (first > 1) })
            let error = #expect(throws: LoopError.self) {
                try UDPSocket.bind(sockets[0].localAddress, on: Array(group.loops.prefix(second)))
            }
            #expect(error?.errno == EADDRINUSE)
        }
    }

    @Test("Sockets of one port divide the peers, each peer stays with one")
    func shared() async throws {
        try await withLoops(2) { group in
            let servers = try UDPSocket.bind(.loopback(.ipv4), on: group.loops).map { UDPPeer($0) }
            try await withStarted(servers[0], servers[1]) {
                let clients = try (0..<32).map { _ in try UDPSocket.bind(.loopback(.ipv4), on: group.loops[0]) }
                for round in 1...3 {
                    for client in clients {
                        _ = try await client.send([UInt8(round)], to: servers[0].socket.localAddress)
                    }
                }
                await servers[0].wait { seen in
                    seen.datagrams.count + servers[1].seen.datagrams.count >= 96 || seen.datagrams.count >= 1
                }
                await servers[1].wait(for: 1)
                // What the one has not got, the other has.
                while servers[0].seen.datagrams.count + servers[1].seen.datagrams.count < 96 { await Task.yield() }
                let remotes = servers.map { Set($0.seen.arrivals.map(\.remote)) }
                #expect(remotes[0].isDisjoint(with: remotes[1]))
                #expect(remotes[0].count + remotes[1].count == 32)
                #expect(!remotes[0].isEmpty && !remotes[1].isEmpty)
            }
        }
    }

    @Test func oneSocketServesWhereSharingIsSwitchedOff() async throws {
        try await withLoops(2) { group in
            let sockets = try UDPSocket.bind(
                .loopback(.ipv4), on: group.loops, configuration: .without(.reusePort))
            #expect(sockets.count == 1)
        }
    }

    @Test func aConnectedSocketHearsNobodyElse() async throws {
        try await withLoop { loop in
            let (friend, stranger) = (
                try UDPSocket.bind(.loopback(.ipv4), on: loop), try UDPSocket.bind(.loopback(.ipv4), on: loop)
            )
            let client = UDPPeer(try UDPSocket.connect(to: friend.localAddress, on: loop))
            #expect(client.socket.localAddress.host == "127.0.0.1")
            try await withStarted(client) {
                _ = try await stranger.send([1], to: client.socket.localAddress)
                _ = try await friend.send([2], to: client.socket.localAddress)
                await client.wait(for: 1)
            }
            #expect(client.seen.datagrams == [[2]])
            #expect(client.seen.arrivals.map(\.remote) == [friend.localAddress])
        }
    }

    @Test func theBuffersThatWereGrantedAreReported() async throws {
        try await withLoop { loop in
            var configuration = UDPConfiguration()
            configuration.receiveBufferBytes = 50_000
            configuration.sendBufferBytes = 60_000
            let socket = try UDPSocket.bind(.loopback(.ipv4), on: loop, configuration: configuration)
            #expect(socket.grantedReceiveBytes == 50_000)
            #expect(socket.grantedSendBytes == 60_000)
            let large = try UDPSocket.bind(.loopback(.ipv4), on: loop)
            #expect(large.grantedReceiveBytes > 50_000 && large.grantedReceiveBytes <= 7_500_000)
        }
    }

    @Test("No descriptor stays behind", arguments: [true, false])
    func descriptors(isStarted: Bool) async throws {
        try await withLoop { loop in
            var names: [String] = []
            do {
                let socket = try UDPSocket.bind(.loopback(.ipv4), on: loop)
                names = [try #require(Self.name(of: socket.descriptor))]
                #expect(Self.openNames().isSuperset(of: names))
                if isStarted { try await withStarted(UDPPeer(socket)) {} }
            }
            // Numbers are given out again, the names of sockets are not.
            #expect(Self.openNames().isDisjoint(with: names))
        }
    }

    private static func name(of descriptor: Int32) -> String? {
        var buffer = [CChar](repeating: 0, count: 64)
        let count = unsafe readlink("/proc/self/fd/\(descriptor)", &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    private static func openNames() -> Set<String> {
        Set((0..<4_096).compactMap { name(of: $0) })
    }
}
