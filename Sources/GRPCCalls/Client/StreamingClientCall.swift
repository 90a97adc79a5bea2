internal import EventLoops
package import NodeTransport

/// What a caller holds of a streaming call; letting go of it cancels the call.
package final class StreamingClientCall: ClientCall {
    private let state: ClientCallState

    package init(_ state: ClientCallState) { self.state = state }

    deinit { cancel() }

    package var trailers: Metadata { state.trailers }

    package func send(_ message: Bytes) async throws {
        let state = state
        let isOnLoop = state.loop.isCurrent
        if isOnLoop, let result = state.send(message) { return try result.get() }
        try await waitOnLoop { (waiter: Waiter<Void>) in
            if let result = isOnLoop ? state.room : state.send(message) {
                waiter.resume(result)
            } else {
                state.sender = waiter
            }
        }
    }

    package func finishSending() async throws {
        let state = state
        state.loop.execute { state.finishSending() }
    }

    package func initialMetadata() async throws -> Metadata {
        let state = state
        return try await waitOnLoop { waiter in
            if let result = state.metadata { waiter.resume(result) } else { state.headWaiter = waiter }
        }
    }

    package func receive() async throws -> Bytes? {
        let state = state
        if state.loop.isCurrent, let result = state.takeMessage() { return try result.get() }
        return try await waitOnLoop { waiter in
            if let result = state.takeMessage() { waiter.resume(result) } else { state.receiver = waiter }
        }
    }

    package func cancel() {
        let state = state
        state.loop.execute { state.cancel() }
    }

    /// Suspends the task, and lets `begin` take the waiter on the loop. Cancelling the task cancels the call.
    private func waitOnLoop<Value: Sendable>(
        _ begin: @escaping @Sendable (Waiter<Value>) -> Void
    ) async throws -> Value {
        let waiter = Waiter<Value>()
        let loop = state.loop
        return try await withTaskCancellationHandler {
            try await suspend { continuation in
                loop.execute {
                    waiter.wait(continuation)
                    if waiter.isWaiting { begin(waiter) }
                }
            }
        } onCancel: {
            loop.execute { waiter.cancel() }
            self.cancel()
        }
    }
}
