internal import DAGStore
internal import Synchronization

/// Writes down how many peers have acknowledged each transaction; those that come while it writes are written together.
///
/// What it holds is not durable: a transaction may have more acknowledgements than are known after a crash.
final class AcknowledgementRecorder: Sendable {
    private let core: NodeCore
    private let counts = Mutex<[String: Int]>([:])
    private let signal = Signal()

    init(core: NodeCore) { self.core = core }

    func add(_ id: String) {
        counts.withLock { $0[id, default: 0] += 1 }
        signal.send()
    }

    /// Runs until the task is cancelled.
    func run() async {
        while await signal.wait() {
            let batch = counts.withLock { counts in
                defer { counts = [:] }
                return counts
            }
            guard !batch.isEmpty else { continue }
            do {
                try await core.store.addAcknowledgements(batch)
                core.emit(.acknowledgementsRecorded(batch.count))
            } catch {
                core.emit(.failed("recording acknowledgements", error))
            }
        }
    }
}
