import NodeTransport
import QUICEngine
import TransportTestKit

/// One seed: makes its calls while its faults happen, and says what was not as promised.
final class FaultRun {
    struct Tally {
        var answered = 0
        var failed = 0
        var expired = 0
        var connections = 0

        static func += (left: inout Self, right: Self) {
            left.answered += right.answered
            left.failed += right.failed
            left.expired += right.expired
            left.connections += right.connections
        }
    }

    let seed: UInt64
    private(set) var problems: [String] = []
    private(set) var tally = Tally()
    private let plan: FaultPlan
    private let simulation: Simulation
    private let credentials: QUICCredentials
    private let secrets: QUICSecrets
    private let ledger = CallServer.Ledger()
    private var server: CallServer
    private let client: CallClient
    private let clientSide: SimulatedEndpoint
    private let serverSide: SimulatedEndpoint
    /// Every connection there was.
    private var connections: [CallServer.Weak] = []
    private var rebindings: UInt16 = 0

    init(seed: UInt64, client clientCredentials: QUICCredentials, server credentials: QUICCredentials) {
        self.seed = seed
        self.credentials = credentials
        plan = FaultPlan(seed: seed)
        simulation = Simulation(SimulatedNetwork(seed: seed, traceCapacity: 2_000))
        var generator = SeededGenerator(seed &* 7 &+ 3)
        secrets = QUICSecrets(using: &generator)
        let (a, b) = (simulation.network.host("client").address(1000), simulation.network.host("server").address(443))
        for host in ["client", "translator"] {
            simulation.network.setConditions(plan.toServer, from: host, to: "server")
            simulation.network.setConditions(plan.toClient, from: "server", to: host)
        }
        server = CallServer(
            QUICEndpoint(
                configuration: plan.server, server: credentials, secrets: secrets,
                random: SeededGenerator(seed &* 7 &+ 1)), ledger)
        client = CallClient(
            QUICEndpoint(configuration: plan.client, client: clientCredentials, random: SeededGenerator(seed &* 7)),
            QUICPath(local: QUICAddress(a), remote: QUICAddress(b)), plan.calls)
        clientSide = SimulatedEndpoint(client)
        serverSide = SimulatedEndpoint(server)
        simulation.attach(clientSide, at: a)
        simulation.attach(serverSide, at: b)
    }

    var trace: String { simulation.network.trace.text(last: 400) }
    private var now: QUICTime { SimulatedEndpoint.time(simulation.now) }

    func run() {
        do {
            for (time, action) in plan.actions {
                let end = Int64(time / .nanoseconds(1))
                try simulation.run(while: { !client.isDone && simulation.now < end }, for: .seconds(60))
                perform(action)
            }
            try simulation.run(while: { !client.isDone }, for: .seconds(60))
            checkCalls()
            try calmDown()
        } catch {
            problems.append("the run did not end: \(error.code) at \(error.time)")
        }
        problems += client.problems + ledger.problems
    }

    private func perform(_ action: FaultPlan.Action) {
        let network = simulation.network
        switch action {
        case .cut(let duration):
            for host in ["client", "translator"] { network.cut(between: host, and: "server") }
            network.at(network.now + duration) { network in
                for host in ["client", "translator"] { network.heal(between: host, and: "server") }
            }
        case .rebind:
            rebindings += 1
            let address = network.host("translator").address(5000 + rebindings)
            network.rebind(network.host("client").address(1000), to: address)
        case .restart:
            connections += server.connections
            server = CallServer(
                QUICEndpoint(
                    configuration: plan.server, server: credentials, secrets: secrets,
                    random: SeededGenerator(seed &* 7 &+ 2)), ledger)
            serverSide.owner = server
        case .goAway: server.goAway()
        case .close: server.closeAll(now: now)
        }
    }

    private func checkCalls() {
        for call in client.calls {
            switch call.outcome {
            case .answered:
                tally.answered += 1
                if ledger.executions[call.number] == nil { problems.append("call \(call.number): answered by nobody") }
            case .failed: tally.failed += 1
            case .deadlineExceeded: tally.expired += 1
            case nil: problems.append("call \(call.number) has not ended")
            }
            if let end = call.end, end > call.deadline {
                problems.append("call \(call.number) ended \(end - call.deadline) ns after its deadline")
            }
        }
        tally.connections = client.connections.count
        for (call, count) in ledger.executions where count != 1 {
            problems.append("call \(call) was executed \(count) times")
        }
    }

    /// With the faults over, nothing is left of the calls, nor of the connections once they are closed.
    private func calmDown() throws(SimulationError) {
        let network = simulation.network
        for host in ["client", "translator"] {
            network.heal(between: host, and: "server")
            network.setConditions(LinkConditions(delay: .milliseconds(5)), between: host, and: "server")
        }
        try simulation.run(while: { hasStreams }, for: .seconds(30))
        try callOnceMore()
        try simulation.run(while: { hasStreams }, for: .seconds(30))
        // Every stream that there was gave its place back.
        let allowed = plan.server.maxBidirectionalStreams
        try simulation.run(
            while: { client.connection.map { $0.streamsLeft(isBidirectional: true) != allowed } ?? false },
            for: .seconds(5))
        client.close(now: now)
        try simulation.run(while: { knowsConnections }, for: .seconds(60))
        connections += client.connections + server.connections
        for (index, connection) in connections.enumerated() {
            guard let left = connection.object as? QUICConnection else { continue }
            let side = left.isServer ? "server" : "client"
            problems.append(
                "connection \(index), \(side)'s, is still in memory, with \(left.openStreamCount) streams"
            )
        }
        for endpoint in [client.endpoint, server.endpoint] where endpoint.connectionCount + endpoint.halfOpenCount > 0 {
            problems.append("\(endpoint.connectionCount) connections are counted, \(endpoint.halfOpenCount) half open")
        }
        // A call that was under way when it ended for the client may have come to the server since.
        for (call, count) in ledger.executions where count != 1 {
            problems.append("call \(call) was executed \(count) times")
        }
    }

    /// Whatever has happened, a call works once the network does. The first may meet a connection that has died; one
    /// that is stuck must not be saved by the idle timeout of 8 s.
    private func callOnceMore() throws(SimulationError) {
        for attempt in 0..<4 {
            let index = client.calls.count
            client.calls.append(
                CallClient.Call(
                    number: 1000 + attempt, start: now, deadline: now + .seconds(7), requestBytes: 3_000,
                    answerBytes: 3_000))
            try simulation.run(while: { !client.isDone }, for: .seconds(20))
            switch client.calls[index].outcome {
            case .answered: return
            case .failed: continue
            case .deadlineExceeded, nil: problems.append("a call on a good network found no end")
            }
        }
        problems.append("no call on a good network was answered")
    }

    private var hasStreams: Bool { client.openStreams > 0 || client.connection != nil && server.openStreams > 0 }
    private var knowsConnections: Bool {
        client.endpoint.knownConnectionCount > 0 || server.endpoint.knownConnectionCount > 0
    }
}
