internal import DAGProtocol
internal import DAGStore
internal import NodeTransport

/// Asks peers for proofs of holding, verifies them, and records what came of it.
struct Challenger: Sendable {
    let core: NodeCore
    let peers: PeerBook

    /// Challenges every connected peer for `count` transactions picked at random.
    func audit(challengesPerPeer count: Int) async throws -> AuditResponse {
        try await withThrowingTaskGroup(of: [PoHCheck.Result].self) { group in
            for peer in peers.connected {
                group.addTask {
                    var results: [PoHCheck.Result] = []
                    for id in try await core.store.randomIDs(count) {
                        results.append(try await challenge(peer, transaction: id))
                    }
                    return results
                }
            }
            var response = AuditResponse()
            for try await results in group {
                for result in results {
                    switch result {
                    case .held: response.held += 1
                    case .wrong: response.wrong += 1
                    case .silent: response.silent += 1
                    case .refused: response.refused += 1
                    }
                }
            }
            return response
        }
    }

    /// Asks `peer` for a proof that it has the payload of the transaction `id`, which this node has too.
    ///
    /// - Throws: ``/DAGStore/StoreError`` when the result cannot be recorded; what the peer does is the result.
    func challenge(_ peer: ConnectedPeer, transaction id: String) async throws -> PoHCheck.Result {
        guard let payload = try await core.store.payload(of: id) else {
            throw TransportError(.notFound, "tx_id: \(id) is not stored here, so an answer could not be checked")
        }
        let head = try await core.store.chainHead(of: peer.id)
        let request = PoHRequest(transaction: id, now: core.now())
        var result = PoHCheck.Result.held
        var message = ""
        var newHead: PoHChainHead?
        do {
            let answer = try await peer.connection.call(
                PoH.challenge, request, deadline: .after(core.configuration.challengeTimeout))
            try answer.verify(
                answers: request, payload: payload, holder: peer.id, publicKey: peer.publicKey, after: head)
            newHead = PoHChainHead(sequence: answer.sequence, hash: answer.hash(answering: request))
        } catch let error as InvalidField {
            (result, message) = (.wrong, error.description)
        } catch let error as TransportError where error.code == .deadlineExceeded || error.code == .unavailable {
            (result, message) = (.silent, "\(error)")
        } catch {
            (result, message) = (.refused, "\(error)")
        }
        try await core.store.record(
            PoHCheck(peer: peer.id, request: request, result: result, message: message, head: newHead))
        return result
    }
}
