internal import DAGProtocol
internal import NodeTransport
internal import Synchronization

/// Which transactions of a stream are decided: turns completions in any order into acknowledgements.
final class StreamProgress: Sendable {
    /// The two tasks of a stream.
    private enum Slot {
        /// Takes requests; waits for room.
        case reader
        /// Sends acknowledgements; waits for news.
        case responder
    }

    private struct State {
        /// The next number expected from the client; `nil` before the first.
        var next: UInt64?
        /// All below are decided.
        var decidedBelow: UInt64 = 0
        /// The last `decidedBelow` that was handed out to be sent.
        var sentBelow: UInt64 = 0
        /// Decided, but with an undecided one before them.
        var decidedAhead: Set<UInt64> = []
        var refusals: [Refusal] = []
        var isFinished = false
        var waiting: [Slot: CheckedContinuation<Void, Never>] = [:]

        /// What the client has to wait for: numbers begun and not yet acknowledged to it.
        var underWay: UInt64 { (next ?? sentBelow) - sentBelow }
        var hasNews: Bool { decidedBelow > sentBelow || !refusals.isEmpty }

        func isDue(_ slot: Slot, _ maximumUnderWay: Int) -> Bool {
            switch slot {
            case .reader: underWay <= UInt64(maximumUnderWay)
            case .responder: hasNews || isFinished
            }
        }
    }

    private let maximumUnderWay: Int
    private let state = Mutex(State())

    init(maximumUnderWay: Int) { self.maximumUnderWay = max(maximumUnderWay, 1) }

    /// Notes that `sequence` has come, and waits until there is room for it.
    ///
    /// - Throws: ``/NodeTransport/TransportError`` when it does not follow the number before.
    func begin(_ sequence: UInt64) async throws {
        try state.withLock { state in
            guard sequence <= Int64.max else {
                throw TransportError(.invalidArgument, "sequence: \(sequence) is not below 2^63")
            }
            if let next = state.next, sequence != next {
                throw TransportError(.invalidArgument, "sequence: \(sequence) came where \(next) has to follow")
            }
            if state.next == nil { (state.decidedBelow, state.sentBelow) = (sequence, sequence) }
            state.next = sequence + 1
        }
        await wait(for: .reader)
        try Task.checkCancellation()
    }

    /// Notes that `sequence` is durable, or refused.
    func end(_ sequence: UInt64, refusal: TransportError?) {
        state.withLock { state in
            if let refusal {
                var item = Refusal()
                item.sequence = sequence
                item.code = UInt32(clamping: refusal.code.rawValue)
                item.message = refusal.message
                state.refusals.append(item)
            }
            state.decidedAhead.insert(sequence)
            while state.decidedAhead.remove(state.decidedBelow) != nil { state.decidedBelow += 1 }
            return state.hasNews ? state.waiting.removeValue(forKey: .responder) : nil
        }?.resume()
    }

    /// Notes that nothing further will come.
    func finish() {
        state.withLock { state in
            state.isFinished = true
            return state.waiting.removeValue(forKey: .responder)
        }?.resume()
    }

    /// Waits until there is something to say; `nil` when everything has been said and nothing further comes.
    func nextResponse() async throws -> SubmitStreamResponse? {
        await wait(for: .responder)
        try Task.checkCancellation()
        let (response, reader) = state.withLock { state -> (SubmitStreamResponse?, CheckedContinuation<Void, Never>?) in
            guard state.hasNews else { return (nil, nil) }
            var response = SubmitStreamResponse()
            response.acknowledgedBelow = state.decidedBelow
            response.refusals = state.refusals
            state.sentBelow = state.decidedBelow
            state.refusals = []
            return (response, state.waiting.removeValue(forKey: .reader))
        }
        reader?.resume()
        return response
    }

    /// Suspends until `slot` is due or the task is cancelled.
    private func wait(for slot: Slot) async {
        while !Task.isCancelled {
            guard !state.withLock({ $0.isDue(slot, maximumUnderWay) }) else { return }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isDue = state.withLock { state in
                        if state.isDue(slot, maximumUnderWay) || Task.isCancelled { return true }
                        state.waiting[slot] = continuation
                        return false
                    }
                    if isDue { continuation.resume() }
                }
            } onCancel: {
                state.withLock { $0.waiting.removeValue(forKey: slot) }?.resume()
            }
        }
    }
}
