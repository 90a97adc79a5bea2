internal import NodeTransport

/// The caller's end of a stream that may be tried again; letting go of it cancels the call.
final class RetryingCall: ClientCall {
    private let attempts: StreamAttempts
    /// Is told when the call is over.
    private let budget: RetryBudget?

    init(_ attempts: StreamAttempts, _ budget: RetryBudget?) {
        self.attempts = attempts
        self.budget = budget
    }

    deinit {
        // The attempts may be held by their task for longer.
        attempts.cancel()
        budget?.callEnded()
    }

    func send(_ message: Bytes) async throws { try await attempts.send(message) }

    func finishSending() async throws { try await attempts.finishSending() }

    func initialMetadata() async throws -> Metadata {
        try await attempts.receive { try await $0.initialMetadata() }
    }

    func receive() async throws -> Bytes? { try await attempts.receive { try await $0.receive() } }

    var trailers: Metadata { attempts.trailers }

    func cancel() { attempts.cancel() }
}
