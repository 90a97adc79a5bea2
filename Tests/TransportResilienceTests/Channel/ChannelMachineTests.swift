import NodeTransport
import Testing

@testable import TransportResilience

@Suite("The machine of a channel")
struct ChannelMachineTests {
    /// A machine, its time, and what it has asked for.
    private struct Rig {
        var machine: ChannelMachine
        var now = ContinuousClock.now
        var attempts: [Int: Int] = [:]
        var started: [String] = []
        var released: [Int] = []
        var events: [ResilienceEvent.Kind] = []

        init(attemptDelay: Duration? = nil, outliers: OutlierPolicy? = nil, asksForHealth: Bool = false) throws {
            var settings = ChannelMachine.Settings(target: try Endpoint(parsing: "memory://target"))
            settings.attemptDelay = attemptDelay
            settings.outliers = outliers
            settings.asksForHealth = asksForHealth
            settings.backoff = .constant(.seconds(5))
            machine = ChannelMachine(settings: settings, seed: 1)
        }

        mutating func take(_ effects: ChannelMachine.Effects?) {
            guard let effects else { return }
            for start in effects.starts {
                attempts[start.peer] = start.attempt
                started.append(start.endpoint.authority)
            }
            released += effects.releases
            events += effects.events.map(\.kind)
        }

        mutating func resolve(_ peers: [ResolvedPeer]) { take(machine.resolved(.success(peers), now: now)) }
        mutating func connect(_ id: Int) { take(machine.connected(id, attempt: attempts[id] ?? 0, now: now)) }
        mutating func fail(_ id: Int) {
            take(machine.failed(id, attempt: attempts[id] ?? 0, with: TransportError(.unavailable, "down"), now: now))
        }
        mutating func lose(_ id: Int) {
            take(machine.lost(id, attempt: attempts[id] ?? 0, with: TransportError(.unavailable, "cut"), now: now))
        }
        mutating func pass(_ duration: Duration) {
            now = now.advanced(by: duration)
            take(machine.passTime(now: now))
        }
        mutating func takeStarted() -> [String] {
            defer { started = [] }
            return started
        }

        var readiness: String {
            switch machine.readiness {
            case .ready: "ready"
            case .connecting: "connecting"
            case .failing: "failing"
            case .closed: "closed"
            }
        }
    }

    private func peer(_ name: String, priority: Int = 0) throws -> ResolvedPeer {
        ResolvedPeer(try Endpoint(parsing: "grpc://\(name)"), priority: priority)
    }

    @Test func allPeersAreConnectedToAndTheReadyOnesUsed() throws {
        var rig = try Rig()
        #expect(rig.readiness == "connecting")
        rig.resolve(try ["a:1", "b:1", "c:1"].map { try peer($0) })
        #expect(rig.takeStarted() == ["a:1", "b:1", "c:1"])
        rig.fail(1)
        #expect(rig.readiness == "connecting" && rig.machine.usable.isEmpty)
        rig.connect(3)
        #expect(rig.readiness == "ready" && rig.machine.usable == [3])
        rig.connect(2)
        #expect(rig.machine.usable == [2, 3])
        rig.pass(.seconds(5))
        #expect(rig.takeStarted() == ["a:1"], "after its back-off")
        rig.lose(3)
        #expect(rig.takeStarted() == ["c:1"], "a lost one is replaced at once")
        #expect(rig.machine.usable == [2])
    }

    @Test func whenAllHaveFailedOnceCallsNeedNotWait() throws {
        var rig = try Rig()
        rig.resolve(try ["a:1", "b:1"].map { try peer($0) })
        rig.fail(2)
        #expect(rig.readiness == "connecting")
        rig.fail(1)
        #expect(rig.readiness == "failing")
        rig.pass(.seconds(5))
        #expect(rig.readiness == "failing", "also while it tries again")
        rig.connect(1)
        #expect(rig.readiness == "ready")
        rig.lose(1)
        #expect(rig.readiness == "connecting", "who was there a moment ago is worth waiting for")
    }

    @Test func aFailedLookUpKeepsThePeersAndAnEmptyOneDoesNot() throws {
        var rig = try Rig()
        rig.take(rig.machine.resolved(.failure(TransportError(.unavailable, "no DNS")), now: rig.now))
        #expect(rig.readiness == "failing")
        rig.resolve([try peer("a:1")])
        rig.connect(1)
        rig.take(rig.machine.resolved(.failure(TransportError(.unavailable, "no DNS")), now: rig.now))
        #expect(rig.readiness == "ready" && rig.machine.usable == [1])
        rig.resolve([])
        #expect(rig.readiness == "failing" && rig.released == [1])
        #expect(rig.events == [.resolutionFailed, .peersChanged, .connected, .resolutionFailed, .peersChanged])
    }

    @Test func peersComeAndGoAndTheOthersStay() throws {
        var rig = try Rig()
        rig.resolve(try ["a:1", "b:1"].map { try peer($0) })
        rig.connect(1)
        rig.connect(2)
        rig.resolve(try ["c:1", "b:1", "b:1"].map { try peer($0) })
        #expect(rig.takeStarted() == ["a:1", "b:1", "c:1"])
        #expect(rig.released == [1] && rig.machine.usable == [2] && rig.machine.peers.count == 2)
        rig.resolve(try ["c:1", "b:1"].map { try peer($0) })
        #expect(rig.events == [.peersChanged, .connected, .connected, .peersChanged], "no change is no event")
    }

    @Test func furtherPrioritiesAreForWhenNoneOfTheBetterCanBeReached() throws {
        var rig = try Rig()
        rig.resolve([
            try peer("c:1", priority: 2), try peer("a:1"), try peer("b:1", priority: 1), try peer("a:2"),
        ])
        #expect(rig.takeStarted() == ["a:1", "a:2"])
        rig.fail(1)
        #expect(rig.takeStarted() == [])
        rig.fail(2)
        #expect(rig.takeStarted() == ["b:1"])
        rig.connect(3)
        #expect(rig.machine.usable == [3])
        rig.pass(.seconds(5))
        #expect(rig.takeStarted() == ["a:1", "a:2"], "the better ones are tried again")
        #expect(rig.machine.usable == [3])
        rig.connect(2)
        #expect(rig.machine.usable == [2] && rig.released == [3])
        rig.lose(2)
        #expect(rig.takeStarted() == ["a:2"] && rig.readiness == "connecting")
    }

    @Test func attemptsOfPickFirstAreStaggeredAndTheFirstThatAnswersIsKept() throws {
        var rig = try Rig(attemptDelay: .milliseconds(250))
        rig.resolve(try ["[::1]:1", "[::2]:1", "1.1.1.1:1", "1.1.1.2:1"].map { try peer($0) })
        #expect(rig.takeStarted() == ["[::1]:1"])
        rig.pass(.milliseconds(249))
        #expect(rig.takeStarted() == [])
        rig.pass(.milliseconds(1))
        #expect(rig.takeStarted() == ["1.1.1.1:1"], "the families take turns")
        rig.fail(2)
        #expect(rig.takeStarted() == ["[::2]:1"], "a failure is followed at once")
        rig.connect(3)
        #expect(rig.machine.usable == [3] && rig.released == [1], "the others are given up")
        rig.pass(.seconds(10))
        #expect(rig.takeStarted() == [])
        rig.lose(3)
        #expect(rig.takeStarted() == ["[::1]:1"], "from the beginning")
        #expect(rig.readiness == "connecting")
    }

    @Test func pickFirstGoesBackToABetterPriority() throws {
        var rig = try Rig(attemptDelay: .milliseconds(250))
        rig.resolve([try peer("a:1"), try peer("b:1", priority: 1), try peer("b:2", priority: 1)])
        rig.fail(1)
        rig.connect(2)
        #expect(rig.machine.usable == [2])
        rig.pass(.seconds(5))
        #expect(rig.takeStarted() == ["a:1", "b:1", "a:1"])
        rig.connect(1)
        #expect(rig.machine.usable == [1] && rig.released == [2])
    }

    @Test func attemptsUnderWayAreBoundedInNumber() throws {
        var rig = try Rig()
        rig.resolve(try (0..<200).map { try peer("p\($0):1") })
        #expect(rig.takeStarted().count == 64)
        rig.connect(1)
        rig.fail(2)
        #expect(rig.takeStarted() == ["p64:1", "p65:1"], "who has ended makes room")
        rig.pass(.seconds(20))
        #expect(rig.machine.peers.count { $0.way.isConnecting } == 64)
    }

    @Test func anAttemptThatTakesTooLongIsGivenUp() throws {
        var rig = try Rig()
        rig.resolve([try peer("a:1")])
        #expect(rig.machine.nextTimer == rig.now.advanced(by: .seconds(20)))
        rig.pass(.seconds(20))
        #expect(rig.released == [1] && rig.readiness == "failing")
        #expect(rig.takeStarted() == ["a:1", "a:1"], "its delay has passed meanwhile")
    }

    @Test func ejectedPeersGetNoCallsWhileThereAreOthers() throws {
        var rig = try Rig(outliers: OutlierPolicy(failuresInARow: 2))
        rig.resolve(try ["a:1", "b:1"].map { try peer($0) })
        rig.connect(1)
        rig.connect(2)
        for _ in 0..<2 { rig.take(rig.machine.callFailed(1, now: rig.now)) }
        #expect(rig.machine.usable == [2])
        rig.pass(.seconds(30))
        #expect(rig.machine.usable == [1, 2])
        for _ in 0..<2 { rig.take(rig.machine.callFailed(2, now: rig.now)) }
        #expect(rig.machine.usable == [1])
        rig.lose(1)
        #expect(rig.machine.usable == [2], "a bad one is better than none")
        let expected: [ResilienceEvent.Kind] = [
            .peersChanged, .connected, .connected, .peerEjected, .peerReturned, .peerEjected, .connectionLost,
            .peerReturned,
        ]
        #expect(rig.events == expected)
    }

    @Test func peersThatDoNotServeGetNoCalls() throws {
        var rig = try Rig(asksForHealth: true)
        rig.resolve([try peer("a:1")])
        rig.connect(1)
        #expect(rig.readiness == "connecting" && rig.machine.usable.isEmpty)
        for serves in [true, false, true] {
            rig.take(rig.machine.isServing(1, attempt: rig.attempts[1] ?? 0, serves, now: rig.now))
            #expect(rig.readiness == (serves ? "ready" : "failing"))
        }
        rig.take(rig.machine.isServing(1, attempt: 99, false, now: rig.now))
        #expect(rig.readiness == "ready", "another connection's health")
    }

    @Test func aClosedMachineDoesNothingMore() throws {
        var rig = try Rig()
        rig.resolve([try peer("a:1")])
        rig.take(rig.machine.close())
        #expect(rig.released == [1] && rig.readiness == "closed" && rig.machine.nextTimer == nil)
        rig.connect(1)
        rig.fail(1)
        rig.lose(1)
        rig.resolve([try peer("b:1")])
        rig.pass(.seconds(99))
        #expect(rig.takeStarted() == ["a:1"] && rig.readiness == "closed")
    }

    @Test(
        "Whatever happens in whatever order, only peers that are listed, ready and not ejected are used",
        arguments: randomSeeds, [Duration?.none, .milliseconds(250)])
    func anyOrder(seed: UInt64, attemptDelay: Duration?) throws {
        var random = PickRandom(seed: seed)
        let outliers = attemptDelay == nil ? OutlierPolicy(failuresInARow: 1, maximumEjectedShare: 0.5) : nil
        var rig = try Rig(attemptDelay: attemptDelay, outliers: outliers, asksForHealth: false)
        let all = try (0..<8).map { try peer("p\($0):1", priority: $0 / 3) }
        for _ in 0..<4000 {
            let id = rig.machine.peers.randomElement(using: &random)?.id ?? 0
            switch Int.random(in: 0..<12, using: &random) {
            case 0: rig.resolve(all.filter { _ in Int.random(in: 0..<4, using: &random) > 0 })
            case 1...4: rig.connect(id)
            case 5, 6: rig.fail(id)
            case 7: rig.lose(id)
            case 8, 9: rig.take(rig.machine.callFailed(id, now: rig.now))
            case 10:
                if let next = rig.machine.nextTimer { rig.pass(max(rig.now.duration(to: next), .zero)) }
            default: rig.pass(.seconds(Double.random(in: 0..<20, using: &random)))
            }
            let peers = rig.machine.peers
            let used = rig.machine.usable.compactMap { id in peers.first { $0.id == id } }
            #expect(used.count == rig.machine.usable.count, "listed")
            #expect(used.allSatisfy { $0.way.isReady }, "ready")
            #expect(!used.contains { rig.machine.isEjected($0.id) }, "not ejected")
            #expect(Set(used.map(\.priority)).count <= 1, "of one priority")
            #expect((rig.readiness == "ready") == !used.isEmpty)
            if attemptDelay != nil { #expect(used.count <= 1) }
            if peers.contains(where: { $0.way.isReady }) { #expect(!used.isEmpty, "a ready peer is not left unused") }
            // Nobody is forgotten: without a usable peer, something is under way or timed.
            if used.isEmpty, !peers.isEmpty {
                let isUnderWay = peers.contains { $0.way.isConnecting }
                #expect(isUnderWay || rig.machine.nextTimer != nil)
            }
        }
    }
}
