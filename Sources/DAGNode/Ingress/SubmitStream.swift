internal import DAGProtocol
internal import NodeTransport

/// Serves one stream of submissions: many are under way at once, and one acknowledgement covers all that are durable.
struct SubmitStream: Sendable {
    let ingress: Ingress
    let maximumUnderWay: Int

    /// Reads until the client half-closes, and returns when everything read has been acknowledged.
    func serve(
        _ requests: RequestStream<SubmitStreamRequest>, _ responses: ResponseWriter<SubmitStreamResponse>
    ) async throws {
        let progress = StreamProgress(maximumUnderWay: maximumUnderWay)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while let response = try await progress.nextResponse() { try await responses.send(response) }
            }
            group.addTask {
                defer { progress.finish() }
                try await read(requests, progress)
            }
            try await group.waitForAll()
        }
    }

    /// Starts a child for each transaction. How many there are is bounded by what has been acknowledged, so a client
    /// that does not read its acknowledgements is not read from.
    private func read(_ requests: RequestStream<SubmitStreamRequest>, _ progress: StreamProgress) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while let request = try await requests.next() {
                try await progress.begin(request.sequence)
                group.addTask {
                    do {
                        _ = try await ingress.submit(Tx(request.transaction))
                        progress.end(request.sequence, refusal: nil)
                    } catch let error as TransportError where error.code != .cancelled {
                        progress.end(request.sequence, refusal: error)
                    }
                }
            }
        }
    }
}
