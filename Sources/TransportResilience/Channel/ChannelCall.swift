internal import NodeTransport
internal import Synchronization

/// A call that counts as in flight at its peer until it has ended.
final class ChannelCall: ClientCall {
    private let base: any ClientCall
    private let candidate: ChannelCandidate
    private let core: ChannelCore
    private let hasEnded = Atomic<Bool>(false)

    init(_ base: any ClientCall, _ candidate: ChannelCandidate, _ core: ChannelCore) {
        self.base = base
        self.candidate = candidate
        self.core = core
    }

    deinit { if takeEnd() { core.ended(candidate) } }

    func send(_ message: Bytes) async throws { try await noting { try await base.send(message) } }

    func finishSending() async throws { try await noting { try await base.finishSending() } }

    func initialMetadata() async throws -> Metadata { try await noting { try await base.initialMetadata() } }

    func receive() async throws -> Bytes? {
        let message = try await noting { try await base.receive() }
        if message == nil, takeEnd() { core.succeeded(candidate) }
        return message
    }

    var trailers: Metadata { base.trailers }

    func cancel() {
        base.cancel()
        if takeEnd() { core.ended(candidate) }
    }

    /// Notes the call's end when `body` fails with its status.
    private func noting<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            // A message after the end is the caller's mistake; the status is still to be read.
            let isStatus = (error as? TransportError)?.code != .failedPrecondition || isRemote(error)
            if isStatus, takeEnd() { core.failed(candidate, with: error) }
            throw error
        }
    }

    private func isRemote(_ error: any Error) -> Bool { (error as? TransportError)?.origin == .remote }

    private func takeEnd() -> Bool { !hasEnded.exchange(true, ordering: .relaxed) }
}
