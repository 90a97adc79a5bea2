internal import DAGProtocol
internal import DAGStore
internal import FoundationEssentials
internal import NodeTransport

/// Serves `poh.PoHService`: takes transactions from peers, and answers challenges.
struct PoHService: Service {
    let core: NodeCore
    let ingress: Ingress

    var handlers: [MethodHandler] {
        [
            PoH.broadcast.handle(on: .concurrent) { message, context in
                try await ingress.receive(message, sender: "\(context.remoteEndpoint)")
            },
            PoH.challenge.handle(on: .concurrent) { request, _ in
                do {
                    return try await answer(request)
                } catch {
                    core.count(.declined)
                    throw error
                }
            },
        ]
    }

    private func answer(_ request: PoHRequest) async throws -> PoHAck {
        do {
            if case .fragmentID? = request.subject {
                throw TransportError(.unimplemented, "fragment_id: this node holds no fragments")
            }
            let id = try request.validatedTransactionID(now: core.now())
            guard let payload = try await core.store.payload(of: id) else {
                throw TransportError(.notFound, "tx_id: \(id) is not stored here")
            }
            // Outside the store's transaction: a large payload takes milliseconds.
            let proof = request.proof(of: payload)
            let (holder, key, now) = (core.configuration.id, core.key, core.now())
            let outcome = try await core.store.appendAnswer(to: request) { head in
                try PoHAck(to: request, proof: proof, behind: head, holder: holder, key: key, now: now)
            }
            switch outcome {
            case .answered(let answer): return answer
            case .nonceUsed: throw TransportError(.alreadyExists, "nonce: has been answered before")
            }
        } catch let error as InvalidField {
            throw error.status
        } catch let error as StoreError {
            throw error.status
        }
    }
}
