internal import DAGProtocol
internal import DAGStore
internal import NodeTransport

/// Serves `dag.DAGService`. Its handlers hash, so they do not run on an event loop.
struct DAGService: Service {
    let core: NodeCore
    let ingress: Ingress

    var handlers: [MethodHandler] {
        [
            DAG.submitTransaction.handle(on: .concurrent) { request, _ in
                try await ingress.submit(Tx(request))
            },
            DAG.queryTransactionStatus.handle(on: .concurrent) { request, _ in
                try await status(of: request.txID)
            },
            DAG.submitTransactionStream.handle(on: .concurrent) { requests, responses, _ in
                try await SubmitStream(ingress: ingress, maximumUnderWay: core.configuration.maximumStreamedUnderWay)
                    .serve(requests, responses)
            },
        ]
    }

    private func status(of id: String) async throws -> StatusResponse {
        do {
            try Transaction.checkID("tx_id", id)
            guard let record = try await core.store.record(of: id) else {
                throw TransportError(.notFound, "tx_id: \(id) is not stored here")
            }
            var response = StatusResponse()
            response.status = record.status(replicationTarget: core.configuration.replicationTarget)
            response.contentHash = record.contentHash.data
            response.storedAt = record.storedAt.microseconds
            response.acknowledgedBy = UInt32(clamping: record.acknowledgedBy)
            response.payloadBytes = UInt64(clamping: record.payloadBytes)
            response.missingParentIds = record.missingParents
            if !record.missingParents.isEmpty { response.message = "waits for its parents" }
            return response
        } catch let error as InvalidField {
            throw error.status
        } catch let error as StoreError {
            throw error.status
        }
    }
}
