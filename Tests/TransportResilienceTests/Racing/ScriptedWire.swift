import NodeTransport
import Synchronization
import TransportTestKit

/// A wire whose `connect` does what a test says, on a virtual clock.
final class ScriptedWire: Transport {
    enum Behaviour {
        case connects(after: Duration)
        case fails(after: Duration, StatusCode)
        case silent
    }

    private struct Storage {
        var behaviour: Behaviour
        var attempts = 0
        var ended = 0
    }

    private let clock: VirtualClock
    private let memory: InMemoryTransport
    private let storage: Mutex<Storage>

    init(_ behaviour: Behaviour, clock: VirtualClock, network: InMemoryNetwork) {
        self.clock = clock
        memory = InMemoryTransport(network: network)
        storage = Mutex(Storage(behaviour: behaviour))
    }

    func set(_ behaviour: Behaviour) { storage.withLock { $0.behaviour = behaviour } }

    /// How often it was asked to connect.
    var attempts: Int { storage.withLock { $0.attempts } }
    /// How many of these attempts are under way.
    var attemptsUnderWay: Int { storage.withLock { $0.attempts - $0.ended } }

    func connect(to endpoint: Endpoint) async throws -> any Connection {
        let behaviour = storage.withLock { storage in
            storage.attempts += 1
            return storage.behaviour
        }
        defer { storage.withLock { $0.ended += 1 } }
        do {
            switch behaviour {
            case .connects(let delay):
                try await clock.sleep(until: clock.now.advanced(by: delay))
                return try await memory.connect(to: endpoint)
            case .fails(let delay, let code):
                try await clock.sleep(until: clock.now.advanced(by: delay))
                throw TransportError(code, "as the test says", processing: .notProcessed)
            case .silent:
                try await clock.sleep(until: clock.now.advanced(by: .seconds(86_400)))
                throw TransportError(.deadlineExceeded, "a day has passed")
            }
        } catch is CancellationError {
            throw TransportError(.cancelled, "cancelled")
        }
    }

    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        try await memory.listen(on: endpoint, serving: table)
    }

    func shutdown(within grace: Duration) async { await memory.shutdown(within: grace) }
}
