internal import NodeTransport

/// The caller's end of a stream that may be tried again; letting go of it cancels the call.
final class RetryingCall: ClientCall {
    private let attempts: StreamAttempts

    init(_ attempts: StreamAttempts) { self.attempts = attempts }

    // The attempts may be held by their task for longer.
    deinit { attempts.cancel() }

    func send(_ message: Bytes) async throws { try await attempts.send(message) }

    func finishSending() async throws { try await attempts.finishSending() }

    func initialMetadata() async throws -> Metadata {
        try await attempts.receive { try await $0.initialMetadata() }
    }

    func receive() async throws -> Bytes? { try await attempts.receive { try await $0.receive() } }

    var trailers: Metadata { attempts.trailers }

    func cancel() { attempts.cancel() }
}
