import NodeTransport
import Testing
import TransportTestKit

@testable import TransportResilience

/// Happy Eyeballs (RFC 8305): the families take turns, each attempt with a head start.
@Suite("Address families", .timeLimit(.minutes(5)))
struct AddressFamiliesTests {
    private static let v6 = ["[2001:db8::1]", "[2001:db8::2]", "[2001:db8::3]"]
    private static let v4 = ["192.0.2.1", "192.0.2.2"]
    private let rig = ChannelRig()

    private static func endpoints(_ hosts: [String]) throws -> [Endpoint] {
        try hosts.map { try Endpoint(parsing: "grpc://\($0):443") }
    }

    @Test(
        "Whatever order they come in, v4 and v6 take turns 250 ms apart",
        arguments: [
            (v6 + v4, [v6[0], v4[0], v6[1], v4[1], v6[2]]),
            (v4 + v6, [v4[0], v6[0], v4[1], v6[1], v6[2]]),
            ([v6[0], v6[1], v4[0], v6[2], v4[1]], [v6[0], v4[0], v6[1], v4[1], v6[2]]),
            (v6, v6), (v4, v4),
        ])
    func takingTurns(_ resolved: [String], _ tried: [String]) async throws {
        let tried = try Self.endpoints(tried)
        let wire = WatchedTransport(rig.client, silent: Set(tried))
        var configuration = ChannelConfiguration()
        configuration.connectsLazily = true
        let start = rig.clock.now
        let channel = try await rig.balanced(.pickFirst, configuration, over: wire)
            .connect(to: ChannelRig.endpoint("target"))
        rig.resolver.resolve(try Self.endpoints(resolved).map { ResolvedPeer($0) })
        for count in 1..<tried.count {
            await wire.attempts.wait(count: count)
            await rig.clock.waitForSleepers()
            #expect(rig.clock.nextWakeUp == start.advanced(by: .milliseconds(250) * count))
            #expect(wire.attempts.all == Array(tried.prefix(count)))
            rig.clock.advance(by: .milliseconds(250))
        }
        await wire.attempts.wait(count: tried.count)
        #expect(wire.attempts.all == tried)
        await channel.close(within: .zero)
        await rig.end()
    }

    @Test("Where v6 leads nowhere, v4 is used after one head start, whatever many v6 addresses there are")
    func aBrokenFamily() async throws {
        try await rig.serve("v4")
        let dead = try Self.endpoints(Self.v6)
        let wire = WatchedTransport(rig.client, silent: Set(dead))
        // As a name that has been looked up, and is reached in memory.
        let good = try ChannelRig.endpoint("v4")
        rig.resolver.resolve((dead + [good]).map { ResolvedPeer($0) })
        let start = rig.clock.now
        async let connection = rig.balanced(.pickFirst, over: wire).connect(to: ChannelRig.endpoint("target"))
        await wire.attempts.wait(count: 1)
        await rig.clock.waitForSleepers()
        rig.clock.advance(by: .milliseconds(250))
        #expect(try await connection.call(ChannelRig.who, "") == "v4")
        #expect(start.duration(to: rig.clock.now) == .milliseconds(250))
        #expect(wire.attempts.all == [dead[0], good])
        await rig.end()
    }

    @Test("Priorities come before families")
    func priorities() throws {
        let peers = try Self.endpoints(Self.v6 + Self.v4).enumerated().map {
            ResolvedPeer($1, priority: $0 < 2 ? 0 : 1)
        }
        let arranged = PeerOrder.arranged(peers, limit: 10).map(\.endpoint)
        #expect(arranged == (try Self.endpoints([Self.v6[0], Self.v6[1], Self.v6[2], Self.v4[0], Self.v4[1]])))
    }
}
