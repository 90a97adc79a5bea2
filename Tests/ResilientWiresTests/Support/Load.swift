import NodeTransport
import Synchronization
import TransportResilience

/// Calls that go on for as long as the test does, counted in windows: a window is the next so many calls, and says who
/// has answered them.
final class Load: Sendable {
    /// Who has answered the calls of one window, for each key.
    struct Answers {
        var byKey: [String: [String: Int]] = [:]

        /// How many calls each server has answered.
        var byServer: [String: Int] {
            byKey.values.reduce(into: [:]) { sum, counts in sum.merge(counts) { $0 + $1 } }
        }
    }

    private struct Ticket {
        let isCounted: Bool
        let key: String
    }

    private struct Storage {
        var toBegin = 0
        var toEnd = 0
        var answers = Answers()
        var begun = 0
        var ended = 0
        var failures: [String] = []
        var events: [String: Int] = [:]
    }

    private let keys: Int
    private let storage = Mutex(Storage())
    private let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(keys: Int) { self.keys = keys }

    var failures: [String] { storage.withLock { $0.failures } }
    var calls: Int { storage.withLock { $0.ended } }

    // MARK: Callers

    /// Calls until the task is cancelled.
    func run(over connection: any Connection) async {
        while !Task.isCancelled {
            let ticket = begin()
            do {
                let keyed = connection.routed { $0.key = ticket.key }
                end(ticket, .success(try await keyed.call(AnsweringServer.who, Bytes())))
            } catch {
                if Task.isCancelled { return }
                end(ticket, .failure(error))
            }
        }
    }

    private func begin() -> Ticket {
        storage.withLock { storage in
            storage.begun += 1
            let key = "key \(storage.begun % keys)"
            guard storage.toBegin > 0 else { return Ticket(isCounted: false, key: key) }
            storage.toBegin -= 1
            return Ticket(isCounted: true, key: key)
        }
    }

    private func end(_ ticket: Ticket, _ result: Result<String, any Error>) {
        let isLast = storage.withLock { storage in
            storage.ended += 1
            switch result {
            case .success(let server):
                if ticket.isCounted { storage.answers.byKey[ticket.key, default: [:]][server, default: 0] += 1 }
            case .failure(let error): storage.failures.append("\(error)")
            }
            guard ticket.isCounted else { return false }
            storage.toEnd -= 1
            return storage.toEnd == 0
        }
        if isLast { change.yield() }
    }

    // MARK: The channel

    @Sendable func take(_ event: ResilienceEvent) {
        guard let endpoint = event.endpoint else { return }
        storage.withLock { $0.events[Self.name(event.kind, endpoint), default: 0] += 1 }
        change.yield()
    }

    func count(_ kind: ResilienceEvent.Kind, _ endpoint: Endpoint) -> Int {
        storage.withLock { $0.events[Self.name(kind, endpoint)] ?? 0 }
    }

    private static func name(_ kind: ResilienceEvent.Kind, _ endpoint: Endpoint) -> String { "\(kind) \(endpoint)" }

    // MARK: The test

    /// Who answers the next `count` calls that begin; returns when all of them have ended.
    func window(of count: Int) async -> Answers {
        storage.withLock { storage in
            (storage.toBegin, storage.toEnd, storage.answers) = (count, count, Answers())
        }
        await wait { storage.withLock { $0.toEnd == 0 } }
        return storage.withLock { $0.answers }
    }

    /// Returns when the channel has told of `endpoint` more than `count` times; the suite's time limit ends a wait that
    /// is in vain.
    func wait(for kind: ResilienceEvent.Kind, _ endpoint: Endpoint, moreThan count: Int) async {
        await wait { self.count(kind, endpoint) > count }
    }

    private func wait(until isMet: () -> Bool) async {
        if isMet() { return }
        for await _ in changes where isMet() { return }
    }
}
