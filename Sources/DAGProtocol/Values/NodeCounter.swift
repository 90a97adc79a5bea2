/// The counters of `node.NodeStatistics`, by their names there; `Protos/node/node.proto` says what each counts.
public enum NodeCounter: String, Sendable, Hashable, CaseIterable {
    case storedTransactions = "store.transactions"
    case storedPending = "store.pending"
    case storedPayloadBytes = "store.payload_bytes"

    case submitted = "submit.submitted"
    case acknowledged = "submit.acknowledged"
    case duplicates = "submit.duplicates"
    case refused = "submit.refused"
    case conflicts = "conflicts"

    case broadcastAcknowledged = "broadcast.acknowledged"
    case broadcastAlreadyKnown = "broadcast.already_known"
    case broadcastRefused = "broadcast.refused"
    case broadcastTimedOut = "broadcast.timed_out"
    case broadcastUnreachable = "broadcast.unreachable"
    case broadcastDropped = "broadcast.dropped"
    case broadcastReceived = "broadcast.received"

    case repairRounds = "repair.rounds"
    case repairFailedRounds = "repair.failed_rounds"
    case repairDigestsCompared = "repair.digests_compared"
    case repairIDsListed = "repair.ids_listed"
    case repaired = "repair.repaired"
    case repairCorrupt = "repair.corrupt"
    case repairServed = "repair.served"
    case repairRequestsRefused = "repair.requests_refused"

    case answered = "poh.answered"
    case declined = "poh.declined"
    case held = "poh.held"
    case wrong = "poh.wrong"
    case silent = "poh.silent"
    case refusedProofs = "poh.refused"
}

extension NodeStatistics {
    /// The counter's value; 0 when the node does not know it.
    public subscript(counter: NodeCounter) -> UInt64 {
        get { counters[counter.rawValue] ?? 0 }
        set { counters[counter.rawValue] = newValue }
    }
}
