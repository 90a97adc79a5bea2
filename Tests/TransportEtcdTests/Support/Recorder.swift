import NodeTransport
import Synchronization
import TransportResilience

/// Remembers what a resolver reports, and lets a test wait for it.
final class Recorder: Sendable {
    private struct Storage {
        var peers: [[String]] = []
        var failures: [TransportError] = []
    }

    private let storage = Mutex(Storage())
    private let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    @Sendable func take(_ result: Result<[ResolvedPeer], TransportError>) {
        storage.withLock { storage in
            switch result {
            case .success(let peers): storage.peers.append(peers.map(\.endpoint.description))
            case .failure(let error): storage.failures.append(error)
            }
        }
        change.yield()
    }

    var peers: [String]? { storage.withLock { $0.peers.last } }
    var answers: [[String]] { storage.withLock { $0.peers } }
    var failures: [TransportError] { storage.withLock { $0.failures } }

    /// Returns when `isMet` holds; the suite's time limit ends a wait that is in vain.
    func wait(until isMet: (Recorder) -> Bool) async {
        if isMet(self) { return }
        for await _ in changes where isMet(self) { return }
    }
}
