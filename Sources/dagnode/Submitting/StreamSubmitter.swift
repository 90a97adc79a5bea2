internal import DAGProtocol
internal import Foundation
internal import NodeTransport
internal import Synchronization
internal import TransportResilience

/// Sends many transactions on one stream, and goes on behind the last acknowledgement when the connection is lost.
struct StreamSubmitter: Sendable {
    let transport: any Transport
    let endpoint: Endpoint
    /// How long to go on trying without any progress.
    let patience: Duration
    /// How many transactions may be sent and not acknowledged.
    var window = 1_024

    /// What a stream has come to.
    struct Progress: Sendable {
        /// How many of the first transactions are durable or refused.
        var acknowledged = 0
        /// Why the node refused single transactions, by their index.
        var refusals: [Int: String] = [:]
        /// How often the connection was lost.
        var reconnects = 0
    }

    /// Returns when every transaction is durable on the node, or refused.
    ///
    /// - Parameters:
    ///   - transactions: In the order in which they are sent.
    ///   - onProgress: Is told each time the node has acknowledged more.
    /// - Throws: ``/NodeTransport/TransportError`` when the node refuses the stream, or cannot be reached for longer than
    ///   ``patience``.
    func submit(
        _ transactions: [Tx], onProgress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) async throws -> Progress {
        let state = Mutex(Progress())
        let backoff = Backoff(initialDelay: .milliseconds(50), maximumDelay: .seconds(1), jitter: .fraction(0.2))
        var retries = 0
        var lastProgress = ContinuousClock.now
        while state.withLock({ $0.acknowledged }) < transactions.count {
            let before = state.withLock { $0.acknowledged }
            do {
                try await stream(transactions, from: before, state, onProgress)
            } catch let error as TransportError where Self.isWorthAnotherTry(error) {
                try Task.checkCancellation()
                let hasAdvanced = state.withLock { state in
                    state.reconnects += 1
                    return state.acknowledged > before
                }
                if hasAdvanced { (retries, lastProgress) = (0, .now) }
                guard lastProgress.duration(to: .now) < patience else { throw error }
                retries += 1
                try await Task.sleep(for: backoff.delay(beforeRetry: retries, chance: .random(in: 0..<1)))
            }
        }
        return state.withLock { $0 }
    }

    private static func isWorthAnotherTry(_ error: TransportError) -> Bool {
        [.unavailable, .cancelled, .deadlineExceeded, .aborted, .internal, .unknown].contains(error.code)
    }

    private func stream(
        _ transactions: [Tx], from first: Int, _ state: borrowing Mutex<Progress>,
        _ onProgress: @escaping @Sendable (Progress) -> Void
    ) async throws {
        let connection = try await transport.connect(to: endpoint)
        do {
            let call = try await connection.call(DAG.submitTransactionStream)
            let window = SendWindow(size: window, acknowledged: first)
            async let sending: Void = send(transactions[first...], first, window, call.requests)
            for try await response in call.responses {
                let progress = state.withLock { state in
                    for refusal in response.refusals {
                        state.refusals[Int(clamping: refusal.sequence)] = refusal.message
                    }
                    state.acknowledged = max(state.acknowledged, Int(clamping: response.acknowledgedBelow))
                    return state
                }
                window.acknowledge(progress.acknowledged)
                onProgress(progress)
            }
            // The answer is what counts; a sender that was cut off shows in what has not been acknowledged.
            try? await sending
            guard state.withLock({ $0.acknowledged }) >= transactions.count else {
                throw TransportError(.unavailable, "the node ended the stream early", endpoint: endpoint)
            }
        } catch {
            await connection.close(within: .zero)
            throw error
        }
        await connection.close(within: .seconds(1))
    }

    private func send(
        _ transactions: ArraySlice<Tx>, _ first: Int, _ window: SendWindow,
        _ requests: RequestWriter<SubmitStreamRequest>
    ) async throws {
        for (offset, transaction) in transactions.enumerated() {
            await window.wait(for: first + offset)
            var request = SubmitStreamRequest()
            request.sequence = UInt64(first + offset)
            request.transaction = TxRequest(transaction)
            try await requests.send(request)
        }
        try await requests.finish()
    }
}
