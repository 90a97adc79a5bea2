import NodeTransport
import Testing
import TransportSimulation
import TransportTestKit

@testable import QUICTransport

/// What happens to servers and to the network between them, over the real transport and in virtual time.
@Suite(.timeLimit(.minutes(5))) struct SimulatedWorldTests {
    /// A world with the servers a, b and c, each at port 4433, and a client.
    private static func run(
        seed: UInt64, timeLimit: Duration = .seconds(600), delay: Duration = .milliseconds(10), loss: Double = 0,
        _ body: @escaping @Sendable (SimulatedWorld, QUICTransport) async throws -> Void
    ) async throws {
        try await SimulatedWorld.run(seed: seed, timeLimit: timeLimit) { world in
            world.network.setDefaultConditions(LinkConditions(delay: delay, loss: loss))
            var servers: [(machine: SimulatedMachine, transport: QUICTransport)] = []
            for name in ["a", "b", "c"] { servers.append((world.machine(name), try await serve(name, world))) }
            let client = try world.machine("client").transport()
            try await body(world, client)
            await client.shutdown(within: .zero)
            for server in servers where !server.machine.isKilled { await server.transport.shutdown(within: .zero) }
        }
    }

    @discardableResult
    private static func serve(_ name: String, _ world: SimulatedWorld) async throws -> QUICTransport {
        let transport = try world.machine(name).transport()
        _ = try await transport.listen(on: Endpoint(parsing: "quic://\(name):4433"), services: [RigService()])
        return transport
    }

    private static func call(
        _ connection: any Connection, within time: Duration = .seconds(5), _ text: String = "x"
    ) async throws -> String {
        let reply = try await connection.call(RigMethods.unary, Bytes(utf8: text), deadline: .after(time))
        return String(decoding: reply, as: UTF8.self)
    }

    private static func code(_ body: () async throws -> Void) async -> StatusCode? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? TransportError)?.code
        }
    }

    @Test func `Time passes by itself, and only in the simulation`() async throws {
        let began = ContinuousClock.now
        try await Self.run(seed: 1) { world, client in
            let connection = try await client.connect(to: "quic://a:4433")
            #expect(try await Self.call(connection) == "x")
            // Kept alive for as long as it takes.
            try await world.clock.sleep(for: .seconds(300))
            #expect(try await Self.call(connection) == "x")
            #expect(world.network.now >= .seconds(300))
            // Four ways with 10 ms each: the handshake, and two for each call.
            #expect(world.network.now < .seconds(301))
        }
        #expect(began.duration(to: .now) < .seconds(200))
    }

    @Test func `The same seed gives the same run, another seed another`() async throws {
        func digest(_ seed: UInt64) async throws -> UInt64 {
            try await SimulatedWorld.run(seed: seed) { world in
                world.network.setDefaultConditions(LinkConditions(delay: .milliseconds(5), loss: 0.2))
                let server = try await Self.serve("a", world)
                let client = try world.machine("client").transport()
                let connection = try await client.connect(to: "quic://a:4433")
                for number in 0..<50 { _ = try await Self.call(connection, within: .seconds(60), "\(number)") }
                await client.shutdown(within: .zero)
                await server.shutdown(within: .zero)
                return world.network.trace.digest
            }
        }
        #expect(try await digest(7) == digest(7))
        #expect(try await digest(7) != digest(8))
    }

    @Test func `A deadline passes in virtual time, at the client and in the handler`() async throws {
        try await Self.run(seed: 2) { world, client in
            let connection = try await client.connect(to: "quic://a:4433")
            let before = world.network.now
            let code = await Self.code {
                _ = try await connection.call(RigMethods.wait, Bytes(), deadline: .after(.seconds(20)))
            }
            #expect(code == .deadlineExceeded)
            let took = world.network.now - before
            #expect(took >= .seconds(20) && took < .seconds(21), "\(took)")
        }
    }

    @Test func `A partition ends the connection, and after it another can be made`() async throws {
        try await Self.run(seed: 3) { world, client in
            let connection = try await client.connect(to: "quic://a:4433")
            let other = try await client.connect(to: "quic://b:4433")
            world.network.cut(between: "client", and: "a")
            #expect(await Self.code { _ = try await Self.call(connection) } == .deadlineExceeded)
            #expect(try await Self.call(other) == "x", "who is not cut off goes on")
            // Keep-alive gives it up after 11 seconds.
            try await world.clock.sleep(for: .seconds(10))
            #expect(await Self.code { _ = try await Self.call(connection) } == .unavailable)
            #expect(connection.state.isClosed)
            #expect(await Self.code { _ = try await client.connect(to: "quic://a:4433") } == .unavailable)
            world.network.heal(between: "client", and: "a")
            let again = try await client.connect(to: "quic://a:4433")
            #expect(try await Self.call(again) == "x")
        }
    }

    @Test func `A partition that is short is bridged`() async throws {
        try await Self.run(seed: 4) { world, client in
            let connection = try await client.connect(to: "quic://a:4433")
            world.network.cut(between: "client", and: "a")
            world.network.at(world.network.now + .seconds(3)) { $0.heal(between: "client", and: "a") }
            #expect(try await Self.call(connection, within: .seconds(9)) == "x")
        }
    }

    @Test func `A server that hangs answers when it goes on`() async throws {
        try await Self.run(seed: 5) { world, client in
            let connection = try await client.connect(to: "quic://a:4433")
            let server = world.machine("a")
            server.pause()
            #expect(await Self.code { _ = try await Self.call(connection, within: .seconds(4)) } == .deadlineExceeded)
            server.resume()
            #expect(try await Self.call(connection) == "x")
        }
    }

    @Test func `A server that is killed is gone at once, and is there again when it was started`() async throws {
        try await Self.run(seed: 6) { world, client in
            let connection = try await client.connect(to: "quic://b:4433")
            world.machine("b").kill()
            let before = world.network.now
            #expect(await Self.code { _ = try await Self.call(connection, within: .seconds(60)) } == .unavailable)
            #expect(world.network.now - before < .seconds(3))
            let refused = world.network.now
            #expect(await Self.code { _ = try await client.connect(to: "quic://b:4433") } == .unavailable)
            #expect(world.network.now - refused < .milliseconds(100), "nobody listens there, and says so")
            let restarted = try await Self.serve("b", world)
            let again = try await client.connect(to: "quic://b:4433")
            #expect(try await Self.call(again) == "x")
            await restarted.shutdown(within: .zero)
        }
    }

    @Test func `Whose power fails is not heard of`() async throws {
        try await Self.run(seed: 7) { world, client in
            world.machine("c").kill()
            world.network.cutOff("c")
            let before = world.network.now
            #expect(await Self.code { _ = try await client.connect(to: "quic://c:4433") } == .unavailable)
            #expect(world.network.now - before >= .seconds(9), "it takes the handshake's patience")
        }
    }

    @Test func `A slow machine answers late`() async throws {
        try await Self.run(seed: 10, delay: .zero) { world, client in
            let connection = try await client.connect(to: "quic://a:4433")
            world.machine("a").slowDown(.milliseconds(500))
            let before = world.network.now
            for _ in 0..<10 { #expect(try await Self.call(connection) == "x") }
            let took = world.network.now - before
            #expect(took >= .seconds(4) && took < .seconds(40), "\(took)")
            world.machine("a").slowDown(.zero)
            try await world.clock.sleep(for: .seconds(1))
            let after = world.network.now
            for _ in 0..<10 { #expect(try await Self.call(connection) == "x") }
            #expect(world.network.now - after < .seconds(1))
        }
    }

    @Test func `A slow link is slow in virtual time`() async throws {
        try await Self.run(seed: 8, delay: .seconds(1)) { world, client in
            let connection = try await client.connect(to: "quic://a:4433")
            let before = world.network.now
            #expect(try await Self.call(connection) == "x")
            #expect(world.network.now - before >= .seconds(2))
        }
    }

    @Test func `Who does not know a machine gets no connection to it`() async throws {
        try await Self.run(seed: 9) { world, client in
            #expect(await Self.code { _ = try await client.connect(to: "quic://nobody:4433") } == .unavailable)
            #expect(
                await Self.code { _ = try await client.listen(on: "quic://a:4434", services: []) } == .unavailable,
                "another machine's address")
        }
    }

    @Test func `A run that takes too long ends with its seed`() async throws {
        do {
            try await Self.run(seed: 4711, timeLimit: .seconds(30)) { world, _ in
                try await world.clock.sleep(for: .seconds(31))
            }
            Issue.record("it has not ended")
        } catch let error as SimulationError {
            #expect(error.code == .timeLimit)
            #expect(error.description.contains("4711"))
        }
    }
}
