import GRPCTransport
import NodeTransport
import Synchronization
import TransportResilience

@testable import TransportEtcd

/// Nodes that answer with their own name, and callers that find them in etcd.
final class Ledger: Sendable {
    static let who = Method<Unary, Bytes, String>(
        "ledger.Ledger", "Who", request: .bytes, response: .utf8, isIdempotent: true)

    private struct LedgerService: Service {
        let handlers: [MethodHandler]
    }

    private struct Storage {
        var answers: [String: Int] = [:]
        var failures: [String] = []
    }

    private let nodes: GRPCTransport
    private let storage = Mutex(Storage())
    private let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init() throws { nodes = try GRPCTransport(security: .plaintext) }

    /// A node that listens; its name is its endpoint.
    func serve() async throws -> Endpoint {
        let name = Mutex("")
        let who = Self.who.handle { _, _ in name.withLock { $0 } }
        let listener = try await nodes.listen(on: "grpc://127.0.0.1:0", services: [LedgerService(handlers: [who])])
        name.withLock { $0 = "\(listener.endpoint)" }
        return listener.endpoint
    }

    /// Calls until the task is cancelled.
    func load(over connection: any Connection, callers: Int) async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<callers {
                group.addTask {
                    while !Task.isCancelled {
                        do {
                            let answer = try await connection.call(Self.who, Bytes())
                            self.storage.withLock { $0.answers[answer, default: 0] += 1 }
                        } catch {
                            if Task.isCancelled { return }
                            let count = self.storage.withLock { storage in
                                storage.failures.append("\(error)")
                                return storage.failures.count
                            }
                            // The test has failed; calls that fail at once would fill the memory.
                            if count > 1_000 { return }
                        }
                        self.change.yield()
                        // A load, and not as much as the processors can bear: other tests need them too.
                        try? await ContinuousClock().sleep(for: .milliseconds(20))
                    }
                }
            }
        }
    }

    var failures: [String] { storage.withLock { $0.failures } }

    /// Returns when each of `nodes` has answered another 20 calls, from now on; the suite's time limit ends a wait that
    /// is in vain.
    func callsReach(_ nodes: [Endpoint]) async {
        let before = storage.withLock { $0.answers }
        for await _ in changes {
            let now = storage.withLock { $0.answers }
            if nodes.allSatisfy({ now["\($0)", default: 0] >= before["\($0)", default: 0] + 20 }) { return }
        }
    }

    func end() async { await nodes.shutdown(within: .zero) }
}
