internal import DAGProtocol
internal import DAGStore
internal import NodeTransport
internal import TransportResilience

/// Decides when to compare with the peers: on start and on reconnect, when a parent is missing, and now and then.
///
/// One comparison runs at a time, so nothing is fetched twice.
final class Repairer: Sendable {
    private let core: NodeCore
    private let peers: PeerBook
    private let linker: Linker
    private let fetcher: TransactionFetcher
    private let signal = Signal()
    private let turn = Turn()

    init(core: NodeCore, peers: PeerBook, linker: Linker) {
        self.core = core
        self.peers = peers
        self.linker = linker
        fetcher = TransactionFetcher(core: core, peers: peers, linker: linker, conflicts: KnownConflicts())
    }

    /// Says that there is a reason to compare.
    func wake() { signal.send() }

    /// Compares whenever there is a reason, until the task is cancelled.
    ///
    /// A comparison that failed is a reason for another, after a pause that grows as between attempts to connect.
    func run() async {
        var failures = 0
        while await signal.wait() {
            if await repairWithAll() {
                failures = 0
                continue
            }
            failures += 1
            let pause = core.configuration.reconnectBackoff.delay(
                beforeRetry: failures, chance: .random(in: 0..<1))
            await signal.wait(atMost: pause, core.clock)
            wake()
        }
    }

    /// Gives a reason to compare at the configured interval, until the task is cancelled.
    func runTimer() async {
        while true {
            do { try await core.clock.sleep(for: core.configuration.repairInterval) } catch { return }
            wake()
        }
    }

    /// Fetches missing parents, a moment after they were missed, until the task is cancelled.
    func runParents() async {
        while await linker.parentsMissing.wait() {
            do {
                try await core.clock.sleep(for: core.configuration.missingParentDelay)
                let missing = try await core.store.missingParents(limit: Repair.maximumFetchedIDs)
                guard !missing.isEmpty else { continue }
                let report = await turn.take { [fetcher] in await fetcher.fetchParents(missing) }
                // Parents may have parents: go on while something comes.
                if report.repaired > 0 { linker.wake() }
            } catch is CancellationError {
                return
            } catch {
                core.emit(.failed("looking for missing parents", error))
            }
        }
    }

    /// Compares with every connected peer, one after the other.
    ///
    /// - Returns: Whether all the comparisons came to their end.
    @discardableResult
    func repairWithAll() async -> Bool {
        var isComplete = true
        for peer in peers.connected {
            guard !Task.isCancelled else { return isComplete }
            isComplete = await turn.take { await repair(with: peer) } && isComplete
        }
        return isComplete
    }

    private func repair(with peer: ConnectedPeer) async -> Bool {
        var round = RepairRound(core: core, client: fetcher.client(for: peer), fetcher: fetcher)
        var isComplete = true
        do {
            try await round.run()
            core.count(.repairRounds)
            core.emit(.repaired(peer: peer.id, round.report))
        } catch {
            isComplete = false
            core.count(.repairFailedRounds)
            core.emit(.repairFailed(peer: peer.id, reason: "\(error)"))
        }
        core.count(.repairDigestsCompared, round.report.digestsCompared)
        core.count(.repairIDsListed, round.report.idsListed)
        return isComplete
    }
}
