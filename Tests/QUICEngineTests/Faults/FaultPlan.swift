import NodeTransport
import QUICEngine
import TransportTestKit

/// What a seed does to a network and to a server, and which calls are made meanwhile.
struct FaultPlan {
    enum Action {
        case cut(Duration)
        case rebind
        /// A new server at the old address, which knows nothing of the connections.
        case restart
        case goAway
        /// The server closes every connection.
        case close
    }

    var toServer = LinkConditions()
    var toClient = LinkConditions()
    /// In the order of their times.
    var actions: [(time: Duration, action: Action)] = []
    var client = QUICConfiguration()
    var server = QUICConfiguration()
    var calls: [CallClient.Call] = []

    init(seed: UInt64) {
        var random = SeededGenerator(seed ^ 0x5eed)
        (toServer, toClient) = Self.conditions(&random)
        actions = Self.actions(&random)
        for configuration in [\FaultPlan.client, \.server] {
            self[keyPath: configuration].idleTimeout = .seconds(8)
            self[keyPath: configuration].handshakeTimeout = .seconds(5)
            self[keyPath: configuration].initialRoundTrip = .milliseconds(100)
            self[keyPath: configuration].initialStreamWindowBytes =
                [1_000, 16_000, 256_000].randomElement(using: &random) ?? 0
            self[keyPath: configuration].initialConnectionWindowBytes =
                [4_000, 512_000].randomElement(using: &random) ?? 0
        }
        server.maxBidirectionalStreams = UInt64.random(in: 1...12, using: &random)
        if random.chance(0.15) { server.retry = .always }
        for number in 0..<Int.random(in: 2...8, using: &random) {
            let start = SimulatedEndpoint.epoch + .milliseconds(.random(in: 0...2500, using: &random))
            let large = random.chance(0.1) ? 40_000 : 2_500
            calls.append(
                CallClient.Call(
                    number: number, start: start,
                    deadline: start + .milliseconds(.random(in: 50...6000, using: &random)),
                    requestBytes: .random(in: 0...large, using: &random),
                    answerBytes: .random(in: 0...large, using: &random)))
        }
    }

    private static func conditions(_ random: inout SeededGenerator) -> (LinkConditions, LinkConditions) {
        var conditions = LinkConditions(delay: .milliseconds(Int.random(in: 0...80, using: &random)))
        if random.chance(0.6) { conditions.loss = .random(in: 0...0.25, using: &random) }
        if random.chance(0.2) { conditions.burstLoss = .init(start: 0.02, length: .random(in: 1...8, using: &random)) }
        if random.chance(0.4) { conditions.jitter = .milliseconds(Int.random(in: 0...60, using: &random)) }
        if random.chance(0.4) { conditions.reordering = .random(in: 0...0.3, using: &random) }
        if random.chance(0.4) { conditions.duplication = .random(in: 0...0.3, using: &random) }
        if random.chance(0.4) { conditions.corruption = .random(in: 0...0.1, using: &random) }
        if random.chance(0.2) {
            conditions.rateLimit = .init(
                bytesPerSecond: .random(in: 20_000...500_000, using: &random), queueBytes: 16_000,
                markingThresholdBytes: random.chance(0.5) ? 4_000 : nil)
        }
        if random.chance(0.2) { conditions.maximumDatagramBytes = .random(in: 1200...1452, using: &random) }
        if random.chance(0.3) { conditions.ecn = .bleached }
        if random.chance(0.2) {
            conditions.blackouts = .init(
                up: .milliseconds(Int.random(in: 100...1500, using: &random)),
                down: .milliseconds(Int.random(in: 50...1500, using: &random)),
                beginning: .milliseconds(Int.random(in: 0...1000, using: &random)))
        }
        var back = conditions
        // One way may be better than the other.
        if random.chance(0.3) { back.loss = 0 }
        if random.chance(0.2) { back.blackouts = nil }
        return (conditions, back)
    }

    private static func actions(_ random: inout SeededGenerator) -> [(time: Duration, action: Action)] {
        var actions: [(time: Duration, action: Action)] = []
        for (action, probability) in [
            (Action.cut(.milliseconds(Int.random(in: 10...4000, using: &random))), 0.15), (.rebind, 0.2),
            (.rebind, 0.1), (.restart, 0.1), (.goAway, 0.1), (.close, 0.1),
        ] where random.chance(probability) {
            actions.append((.milliseconds(Int.random(in: 50...3000, using: &random)), action))
        }
        return actions.sorted { $0.time < $1.time }
    }
}
