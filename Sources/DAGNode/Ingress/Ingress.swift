internal import DAGProtocol
internal import DAGStore
internal import NodeTransport
internal import TransactionSignatures

/// The way of a transaction into the node: validate, store (commit), acknowledge, link, broadcast.
struct Ingress: Sendable {
    let core: NodeCore
    let linker: Linker
    let peers: PeerBook

    /// From a client.
    ///
    /// - Throws: ``/NodeTransport/TransportError`` with the status that the client gets.
    func submit(_ message: Tx) async throws -> TxResponse {
        core.count(.submitted)
        let (transaction, outcome) = try await refusalsCounted {
            try await accept(message, from: .submitted, sender: "a client")
        }
        core.count(.acknowledged)
        var response = TxResponse()
        response.contentHash = transaction.contentHash.data
        if case .alreadyKnown(let record) = outcome {
            core.count(.duplicates)
            response.alreadyKnown = true
            response.status = record.status(replicationTarget: core.configuration.replicationTarget)
            response.message = "already stored"
        } else {
            response.status = .pending
            peers.broadcast(transaction)
        }
        return response
    }

    /// From a peer. What it sends is not passed on: in a flat network its submitter's node sends it to everyone.
    func receive(_ message: Tx, sender: String) async throws -> Ack {
        let (_, outcome) = try await accept(message, from: .broadcast, sender: sender)
        var ack = Ack()
        ack.success = true
        if case .alreadyKnown = outcome {
            ack.alreadyKnown = true
        } else {
            core.count(.broadcastReceived)
        }
        return ack
    }

    /// - Returns: The transaction, which is durable now.
    private func accept(
        _ message: Tx, from source: TransactionSource, sender: String
    ) async throws -> (Transaction, StoreOutcome) {
        do {
            let transaction = try await validate(message)
            let outcome = try await core.store.store(transaction, from: source)
            switch outcome {
            case .stored: linker.wake()
            case .alreadyKnown: break
            case .conflict(let existing):
                core.count(.conflicts)
                core.emit(.conflict(id: message.txID, from: sender))
                throw TransportError(
                    .alreadyExists,
                    "tx_id: \(message.txID) is taken by a transaction with content hash \(existing), this has "
                        + "\(transaction.contentHash)")
            }
            return (transaction, outcome)
        } catch let error as InvalidField {
            throw error.status
        } catch let error as StoreError {
            throw error.status
        }
    }

    /// Signatures of ML-DSA cost so much that their check would hold up the other connections of the loop.
    private func validate(_ message: Tx) async throws(InvalidField) -> Transaction {
        let isCheap = message.publicKey.count <= SignatureAlgorithm.ed25519.publicKeyByteCount
        return isCheap ? try checked(message) : try await checkedElsewhere(message)
    }

    @concurrent
    private func checkedElsewhere(_ message: Tx) async throws(InvalidField) -> Transaction { try checked(message) }

    private func checked(_ message: Tx) throws(InvalidField) -> Transaction {
        try Transaction(validating: message, now: core.now(), limits: core.configuration.limits)
    }

    private func refusalsCounted<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch {
            core.count(.refused)
            throw error
        }
    }
}

extension TransactionRecord {
    /// How far it has come.
    func status(replicationTarget: Int) -> TransactionStatus {
        if !isLinked { return .pending }
        if acknowledgedBy >= replicationTarget { return .replicated }
        return acknowledgedBy > 0 ? .broadcast : .linked
    }
}
