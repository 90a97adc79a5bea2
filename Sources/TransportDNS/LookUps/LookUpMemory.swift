internal import NodeTransport
internal import Synchronization

/// What the questions of one target found last, to stand in for an answer that fails to come. It holds no more than
/// the last look-up asked.
final class LookUpMemory: Sendable {
    private struct Question: Hashable {
        let name: String
        let type: DNSRecordType
    }

    private struct Storage {
        var known: [Question: [DNSRecord.Value]] = [:]
        var asked: Set<Question> = []
    }

    private let storage = Mutex(Storage())

    /// A look-up is over: forgets what it did not ask.
    func endLookUp() {
        storage.withLock { storage in
            storage.known = storage.known.filter { storage.asked.contains($0.key) }
            storage.asked = []
        }
    }

    /// Keeps what was found, and completes what was not.
    func complete(
        _ outcome: LookUpOutcome<[DNSRecord.Value]>, name: String, type: DNSRecordType
    ) -> LookUpOutcome<[DNSRecord.Value]> {
        let question = Question(name: name, type: type)
        return storage.withLock { storage in
            storage.asked.insert(question)
            switch outcome {
            case .found(let values, _, _):
                storage.known[question] = values
                return outcome
            case .none:
                storage.known[question] = nil
                return outcome
            case .failed(let error):
                guard let values = storage.known[question] else { return outcome }
                return .found(values, timeToLive: nil, failure: error)
            }
        }
    }
}
