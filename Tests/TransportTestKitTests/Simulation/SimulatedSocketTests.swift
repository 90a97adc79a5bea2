import NodeTransport
import Synchronization
import Testing
import TransportTestKit

@Suite("Sockets of a simulated network", .timeLimit(.minutes(5)))
struct SimulatedSocketTests {
    @Test func carryDatagramsBetweenTasksInVirtualTime() async throws {
        let network = SimulatedNetwork(seed: 1)
        network.setDefaultConditions(LinkConditions(delay: .milliseconds(50)))
        let server = try network.host("server").bind(443)
        let client = try network.host("client").bind(0)
        let answer = try await network.drive {
            async let echo: Void = {
                let asked = try await server.receive()
                server.send(asked.payload, to: asked.source, ecn: .capable0)
            }()
            client.send([1, 2, 3], to: server.address)
            let answer = try await client.receive()
            try await echo
            return answer
        }
        #expect(answer == SimulatedDatagram([1, 2, 3], from: server.address, to: client.address, ecn: .capable0))
        #expect(network.now == .milliseconds(100))
    }

    @Test("Code that sleeps and repeats gets through a bad link", arguments: [UInt64(1), 2, 3])
    func retransmission(seed: UInt64) async throws {
        let network = SimulatedNetwork(seed: seed)
        network.setDefaultConditions(LinkConditions(delay: .milliseconds(20), loss: 0.3))
        let server = try network.host("server").bind(443)
        let client = try network.host("client").bind(0)
        let thread = OneThread()
        let echo = Task(executorPreference: thread) {
            while let asked = try? await server.receive() { server.send(asked.payload, to: asked.source) }
        }
        let clock = network.clock
        let count = try await withTaskExecutorPreference(thread) {
            try await network.drive {
                var number = UInt8(0)
                while number < 30 {
                    client.send([number], to: server.address)
                    let hasCome = try await withThrowingTaskGroup(of: Bool.self) { group in
                        group.addTask { [number] in
                            // Late answers to earlier numbers are none.
                            while try await client.receive().payload != [number] {}
                            return true
                        }
                        group.addTask {
                            try await clock.sleep(for: .milliseconds(200))
                            return false
                        }
                        defer { group.cancelAll() }
                        return try await group.next() ?? false
                    }
                    if hasCome { number += 1 }
                }
                return number
            }
        }
        server.close()
        await echo.value
        #expect(count == 30, "seed \(seed)")
        #expect(network.statistics(from: "client", to: "server").lost > 0, "seed \(seed)")
        // A lost datagram costs its time-out.
        #expect(network.now >= .milliseconds(40 * 30 + 200), "seed \(seed)")
    }

    @Test func sleepersWakeInOrderWithArrivals() async throws {
        let network = SimulatedNetwork(seed: 1)
        let clock = network.clock
        // All sleep before the time moves: what has come to rest is guessed where tasks run on several threads.
        let times = try await withTaskExecutorPreference(OneThread()) {
            try await network.drive {
                try await withThrowingTaskGroup(of: Duration.self) { group in
                    for second in [3, 1, 2] {
                        group.addTask {
                            try await clock.sleep(for: .seconds(second))
                            return network.now
                        }
                    }
                    return try await group.reduce(into: [Duration]()) { $0.append($1) }
                }
            }
        }
        #expect(times == [.seconds(1), .seconds(2), .seconds(3)])
    }

    @Test func sleepsThatEndWithinANanosecondEnd() async throws {
        let network = SimulatedNetwork(seed: 1)
        let clock = network.clock
        let length = Duration.seconds(1) / 3
        try await network.drive { try await clock.sleep(for: length) }
        #expect(network.now >= length && network.now < length + .nanoseconds(1))
    }

    @Test func workThatTakesTooLongIsEndedWithTheSeed() async throws {
        let network = SimulatedNetwork(seed: 99)
        let clock = network.clock
        let error = await #expect(throws: SimulationError.self) {
            try await network.drive(timeLimit: .seconds(10)) {
                while true { try await clock.sleep(for: .seconds(1)) }
            }
        }
        #expect(error?.code == .timeLimit && error?.seed == 99)
        #expect(network.now == .seconds(10))
    }

    @Test func callbacksThatAnswerEachOtherWithoutEndAreStopped() throws {
        let network = SimulatedNetwork(seed: 1)
        let other = SimulatedAddress(host: network.host("b").number, port: 1)
        let sockets = Mutex<[SimulatedSocket]>([])
        let answer: @Sendable (SimulatedDatagram) -> Void = { datagram in
            let socket = sockets.withLock { $0.first { $0.address == datagram.destination } }
            socket?.send(datagram.payload, to: datagram.source)
        }
        for name in ["a", "b"] {
            let socket = try network.host(name).bind(1, onReceive: answer)
            sockets.withLock { $0.append(socket) }
        }
        sockets.withLock { $0[0] }.send([1], to: other)
        let error = #expect(throws: SimulationError.self) { try network.advance(by: .seconds(1)) }
        #expect(error?.code == .livelock)
    }

    @Test func aPortIsGivenOnceAndTakenBack() async throws {
        let network = SimulatedNetwork(seed: 1)
        let host = network.host("a")
        let socket = try host.bind(7)
        let error = #expect(throws: TransportError.self) { try host.bind(7) }
        #expect(error?.code == .alreadyExists)
        #expect(try host.bind(0).address != host.bind(0).address)
        socket.close()
        let gone = await #expect(throws: TransportError.self) { try await socket.receive() }
        #expect(gone?.code == .unavailable)
        let next = try host.bind(7)
        // What is sent by the closed one goes nowhere.
        socket.send([1], to: next.address)
        #expect(network.trace.count == 0)
        next.send([1], to: SimulatedAddress(host: 50, port: 1))
        try network.advance(by: .zero)
        #expect(network.trace.entries.map(\.event) == [.sent, .undeliverable])
    }

    @Test func aQueueThatNobodyReadsIsBounded() async throws {
        let network = SimulatedNetwork(seed: 1)
        let receiver = try network.host("b").bind(1, queueLimit: 3)
        let sender = try network.host("a").bind(1)
        for number in UInt8(1)...5 { sender.send([number], to: receiver.address) }
        try network.advance(by: .zero)
        for number in UInt8(3)...5 { #expect(try await receiver.receive().payload == [number]) }
    }

    @Test func whoAsksForItHearsThatNobodyListens() throws {
        let network = SimulatedNetwork(seed: 1)
        network.setDefaultConditions(LinkConditions(delay: .milliseconds(10)))
        let heard = Mutex<[SimulatedDatagram]>([])
        let host = network.host("a")
        let asking = try host.bind(1, hearsOfRefusals: true) { datagram in heard.withLock { $0.append(datagram) } }
        let other = try host.bind(2) { datagram in heard.withLock { $0.append(datagram) } }
        let nobody = network.host("b").address(9)
        asking.send([1], to: nobody)
        other.send([2], to: nobody)
        try network.advance(by: .milliseconds(19))
        #expect(heard.withLock { $0.isEmpty })
        try network.advance(by: .milliseconds(1))
        #expect(heard.withLock { $0.map(\.source) } == [nobody])
        #expect(heard.withLock { $0.allSatisfy { $0.isRefusal && $0.payload.isEmpty } })
    }

    @Test func aHostThatIsCutOffHearsAndSaysNothing() throws {
        let network = SimulatedNetwork(seed: 1)
        network.setDefaultConditions(LinkConditions(delay: .milliseconds(10)))
        let heard = Mutex<[UInt8]>([])
        let sockets = try ["a", "b"].map { name in
            try network.host(name).bind(1) { datagram in heard.withLock { $0 += Array(datagram.payload) } }
        }
        sockets[0].send([1], to: sockets[1].address)
        // Under way, and lost all the same.
        network.cutOff("b")
        try network.advance(by: .milliseconds(10))
        sockets[0].send([2], to: sockets[1].address)
        sockets[1].send([3], to: sockets[0].address)
        try network.advance(by: .milliseconds(10))
        #expect(heard.withLock { $0.isEmpty })
        #expect(network.statistics(from: "a", to: "b").cutOff == 2)
        #expect(network.statistics(from: "b", to: "a").cutOff == 1)
        network.reconnect("b")
        sockets[0].send([4], to: sockets[1].address)
        try network.advance(by: .milliseconds(10))
        #expect(heard.withLock { $0 } == [4])
    }

    @Test func aDigestMayLeavePayloadsOut() throws {
        func digest(_ payload: Bytes, tracesPayloads: Bool) throws -> UInt64 {
            let network = SimulatedNetwork(seed: 1, tracesPayloads: tracesPayloads)
            let socket = try network.host("a").bind(1)
            socket.send(payload, to: socket.address)
            return network.trace.digest
        }
        #expect(try digest([1], tracesPayloads: true) != digest([2], tracesPayloads: true))
        #expect(try digest([1], tracesPayloads: false) == digest([2], tracesPayloads: false))
        #expect(try digest([1], tracesPayloads: false) != digest([1, 1], tracesPayloads: false))
    }
}
