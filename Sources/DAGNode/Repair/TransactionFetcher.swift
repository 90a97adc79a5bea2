internal import DAGProtocol
internal import DAGStore
internal import NodeTransport
internal import Synchronization

/// Gets transactions from a peer, verifies each against the hash under which it was listed, and stores it.
///
/// What the first peer does not deliver, or not intact, is asked of the other peers.
struct TransactionFetcher: Sendable {
    let core: NodeCore
    let peers: PeerBook
    let linker: Linker
    let conflicts: KnownConflicts

    /// Whether `item` is known not to be storable, because its id is taken here.
    func isKnownConflict(_ item: ListedTransaction) -> Bool { conflicts.contains(item.contentHash) }

    /// - Returns: What became of `items`; without the fields about comparing.
    /// - Throws: When `client` fails.
    func fetch(_ items: [ListedTransaction], from client: RepairClient) async throws -> RepairReport {
        var report = RepairReport()
        var wanted: [String: Hash256?] = [:]
        for item in items { wanted[item.id] = item.contentHash }
        try await fetch(&wanted, from: client, &report)
        for peer in peers.connected where peer.id != client.recipient && !wanted.isEmpty {
            // Another peer's failure is not this comparison's.
            try? await fetch(&wanted, from: self.client(for: peer), &report)
        }
        count(report)
        return report
    }

    /// Gets transactions of which only the ids are known, from whichever peer has them.
    func fetchParents(_ ids: [String]) async -> RepairReport {
        var report = RepairReport()
        var wanted: [String: Hash256?] = [:]
        for id in ids { wanted[id] = .some(nil) }
        for peer in peers.connected where !wanted.isEmpty {
            do {
                try await fetch(&wanted, from: client(for: peer), &report)
            } catch {
                core.emit(.repairFailed(peer: peer.id, reason: "\(error)"))
            }
        }
        count(report)
        return report
    }

    func client(for peer: ConnectedPeer) -> RepairClient {
        RepairClient(
            connection: peer.connection, recipient: peer.id, requester: core.configuration.id, key: core.key,
            timeout: core.configuration.requestTimeout, now: core.now)
    }

    /// Takes what it got out of `wanted`. Asks again for what a byte budget cut off, as long as something comes.
    private func fetch(
        _ wanted: inout [String: Hash256?], from client: RepairClient, _ report: inout RepairReport
    ) async throws {
        var queue = wanted.keys.sorted()
        while !queue.isEmpty {
            try Task.checkCancellation()
            let asked = Array(queue.prefix(Repair.maximumFetchedIDs))
            var received: Set<String> = []
            try await client.fetch(asked) { messages in
                received.formUnion(messages.map(\.txID))
                try await store(messages, &wanted, &report)
            }
            let lastIndex = asked.lastIndex { received.contains($0) }
            // The peer went through the ids in order; those before the last that came it does not have.
            queue.removeFirst(lastIndex.map { $0 + 1 } ?? asked.count)
        }
        linker.wake()
    }

    private func store(
        _ messages: [Tx], _ wanted: inout [String: Hash256?], _ report: inout RepairReport
    ) async throws {
        var intact: [Transaction] = []
        for message in messages {
            guard let expected = wanted[message.txID] else { continue }
            guard
                let transaction = try? Transaction(
                    validating: message, now: core.now(), limits: core.configuration.limits),
                expected == nil || transaction.contentHash == expected
            else {
                report.corrupt += 1
                continue
            }
            wanted[message.txID] = nil
            report.payloadBytes += message.payload.count
            intact.append(transaction)
        }
        let outcomes = try await withThrowingTaskGroup(of: (Hash256, StoreOutcome).self) { [store = core.store] group in
            for transaction in intact {
                group.addTask { (transaction.contentHash, try await store.store(transaction, from: .repaired)) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        for (hash, outcome) in outcomes {
            switch outcome {
            case .stored: report.repaired += 1
            case .alreadyKnown: break
            case .conflict:
                report.conflicts += 1
                conflicts.insert(hash)
            }
        }
    }

    private func count(_ report: RepairReport) {
        core.count(.repaired, report.repaired)
        core.count(.repairCorrupt, report.corrupt)
        core.count(.conflicts, report.conflicts)
    }
}

/// Content hashes that cannot be stored because another transaction has the id: they are not fetched again and again.
final class KnownConflicts: Sendable {
    /// Beyond this many the oldest are forgotten, and fetched once more.
    private static let limit = 4_096

    private let hashes = Mutex<(known: Set<Hash256>, order: [Hash256])>(([], []))

    func contains(_ hash: Hash256) -> Bool { hashes.withLock { $0.known.contains(hash) } }

    func insert(_ hash: Hash256) {
        hashes.withLock { hashes in
            guard hashes.known.insert(hash).inserted else { return }
            hashes.order.append(hash)
            if hashes.order.count > Self.limit { hashes.known.remove(hashes.order.removeFirst()) }
        }
    }
}
