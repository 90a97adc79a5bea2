internal import NodeTransport

extension Work {
    /// One message to all peers at once, as a node hands a transaction to the others: a broadcast is over when the last
    /// of them has answered.
    nonisolated(nonsending) func broadcast() async throws {
        while let intended = await measurement.next() {
            try await withThrowingDiscardingTaskGroup { group in
                for peer in peers {
                    group.addTask(executorPreference: fromPool ? nil : peer.executor) {
                        try check(try await peer.call(Echo.unary, message).count, message.count)
                    }
                }
            }
            measurement.record(intended, payloadBytes: message.count * peers.count)
        }
    }
}
