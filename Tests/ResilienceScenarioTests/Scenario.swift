import NodeTransport
import QUICTransport
import Synchronization
import TransportResilience
import TransportSimulation
import TransportTLS
import TransportTestKit

/// Three servers, a naive and a resilient client that make calls at a fixed rate whatever comes back, and a fault.
struct Scenario: Sendable {
    static let servers = ["a", "b", "c"]
    static let length = Duration.seconds(30)
    static let deadline = Duration.seconds(1)

    let world: SimulatedWorld
    let service: CountingService
    /// Of each client.
    let callsPerSecond: Int
    /// When the first calls are made.
    let start: ContinuousClock.Instant

    static func run(_ fault: Fault, seed: UInt64, callsPerSecond: Int = 50) async throws -> Comparison {
        try await SimulatedWorld.run(seed: seed, timeLimit: .seconds(120)) { world in
            var conditions = LinkConditions(delay: .milliseconds(5), loss: 0.001)
            conditions.jitter = .milliseconds(1)
            world.network.setDefaultConditions(conditions)
            let scenario = Scenario(
                world: world, service: CountingService(world.clock), callsPerSecond: callsPerSecond,
                start: world.clock.now.advanced(by: .seconds(1)))
            for server in servers { try await scenario.serve(server) }
            return try await scenario.compare(fault, seed)
        }
    }

    private func compare(_ fault: Fault, _ seed: UInt64) async throws -> Comparison {
        let endpoints = try Self.servers.map { try Endpoint(parsing: "quic://\($0):4433") }
        let naiveTransport = try transport("naive")
        let naive = NaiveClient(naiveTransport, endpoints)
        try await naive.connect()
        let events = Mutex<[String: Int]>([:])
        let resilientTransport = try transport("resilient").resilient(
            to: endpoints, clock: world.clock, executor: world.machine("resilient").executor, seed: seed,
            onEvent: { event in events.withLock { $0[event.kind.rawValue, default: 0] += 1 } })
        let resilient = try await resilientTransport.connect(to: "quic://servers:4433").routed {
            $0.waitsForReady = true
        }

        async let naiveOutcomes = load(.naive) { try await naive.connection() }
        async let resilientOutcomes = load(.resilient) { resilient }
        try await fault.strike(self)
        let comparison = try await Comparison(
            fault: fault,
            naive: Measurements(
                outcomes: naiveOutcomes, executions: service.executions(.naive), events: [:]),
            resilient: Measurements(
                outcomes: resilientOutcomes, executions: service.executions(.resilient),
                events: events.withLock { $0 }))
        await naiveTransport.shutdown(within: .zero)
        await resilientTransport.shutdown(within: .zero)
        // The servers end with the world.
        return comparison
    }

    /// Makes a call at a time, on the caller's machine; the next does not wait for it.
    private func load(
        _ caller: Caller, _ connection: @escaping @Sendable () async throws -> any Connection
    ) async throws -> [CallOutcome] {
        let executor = world.machine(caller.rawValue).executor
        return try await withThrowingTaskGroup(of: CallOutcome.self) { group in
            for number in 0..<callsPerSecond * Int(Self.length / .seconds(1)) {
                let time = Duration.seconds(number) / callsPerSecond
                try await reach(time)
                group.addTask(executorPreference: executor) { await call(caller, number, time, connection) }
            }
            var outcomes: [CallOutcome] = []
            for try await outcome in group { outcomes.append(outcome) }
            return outcomes.sorted { $0.number < $1.number }
        }
    }

    private func call(
        _ caller: Caller, _ number: Int, _ time: Duration,
        _ connection: @Sendable () async throws -> any Connection
    ) async -> CallOutcome {
        let began = world.clock.now
        let deadline = Deadline(began.advanced(by: Self.deadline))
        // Both kinds go to each server of a round robin.
        let isIdempotent = number % 2 == 0
        var error: StatusCode?
        do {
            let method = isIdempotent ? Work.read : Work.write
            let request = "\(caller.rawValue) \(number)"
            let reply = try await connection().call(method, request, deadline: deadline)
            if reply != request { error = .dataLoss }
        } catch let thrown {
            error = (thrown as? TransportError)?.code ?? .unknown
        }
        return CallOutcome(
            number: number, isIdempotent: isIdempotent, start: time, latency: began.duration(to: world.clock.now),
            error: error)
    }

    /// Starts a server, or starts it again after it was killed.
    func serve(_ server: String) async throws {
        _ = try await transport(server).listen(
            on: Endpoint(parsing: "quic://\(server):4433"), services: [service.at(server)])
    }

    /// The same for everybody.
    private func transport(_ machine: String) throws -> QUICTransport {
        var configuration = QUICTransport.Configuration()
        configuration.keepAlive = KeepAlivePolicy(interval: .seconds(1), timeout: .seconds(2))
        return try QUICTransport(
            tls: ScenarioIdentity.shared.get().tls, configuration: configuration, loops: world.machine(machine).loops)
    }

    /// Until so long after the first calls.
    func reach(_ time: Duration) async throws { try await world.clock.sleep(until: start.advanced(by: time)) }
}

/// One identity for all machines.
struct ScenarioIdentity: Sendable {
    static let shared = Result { try ScenarioIdentity() }

    let tls: TLSConfiguration

    private init() throws {
        let ca = try DevelopmentCA.create(commonName: "Scenario CA")
        // Signatures that are always of one length, so that runs of one seed are alike.
        let issued = try ca.issue(name: "machine", dnsNames: Scenario.servers, keyType: .ed25519)
        tls = TLSConfiguration(
            identity: try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM),
            trust: try Trust.roots(pem: ca.certificatePEM))
    }
}
