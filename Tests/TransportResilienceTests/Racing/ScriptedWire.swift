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
        var asleep = 0
    }

    private let clock: VirtualClock
    private let memory: InMemoryTransport
    private let storage: Mutex<Storage>
    /// One for each attempt that is over.
    let ends = Recording<Void>()

    init(_ behaviour: Behaviour, clock: VirtualClock, network: InMemoryNetwork) {
        self.clock = clock
        memory = InMemoryTransport(network: network)
        storage = Mutex(Storage(behaviour: behaviour))
    }

    func set(_ behaviour: Behaviour) { storage.withLock { $0.behaviour = behaviour } }

    /// How often it was asked to connect.
    var attempts: Int { storage.withLock { $0.attempts } }
    /// How many of these attempts are under way.
    var attemptsUnderWay: Int { attempts - ends.all.count }
    /// How many of those wait, or are about to, for a time to come.
    var attemptsAsleep: Int { storage.withLock { $0.asleep } }

    func connect(to endpoint: Endpoint) async throws -> any Connection {
        let behaviour = storage.withLock { storage in
            storage.attempts += 1
            return storage.behaviour
        }
        defer { ends.append(()) }
        do {
            switch behaviour {
            case .connects(let delay):
                try await pause(delay)
                return try await memory.connect(to: endpoint)
            case .fails(let delay, let code):
                try await pause(delay)
                throw TransportError(code, "as the test says", processing: .notProcessed)
            case .silent:
                try await pause(.seconds(86_400))
                throw TransportError(.deadlineExceeded, "a day has passed")
            }
        } catch is CancellationError {
            throw TransportError(.cancelled, "cancelled")
        }
    }

    private func pause(_ delay: Duration) async throws {
        guard delay > .zero else { return }
        let end = clock.now.advanced(by: delay)
        storage.withLock { $0.asleep += 1 }
        defer { storage.withLock { $0.asleep -= 1 } }
        try await clock.sleep(until: end)
    }

    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        try await memory.listen(on: endpoint, serving: table)
    }

    func shutdown(within grace: Duration) async { await memory.shutdown(within: grace) }
}
