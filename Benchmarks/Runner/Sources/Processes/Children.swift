internal import Foundation
internal import Synchronization

/// The processes that this run has started and that have not ended, so that none of them outlives it.
final class Children: Sendable {
    static let shared = Children()

    private struct State {
        var running: Set<pid_t> = []
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Starts a process and keeps its number until ``ended(_:)``.
    ///
    /// - Throws: What `Process.run` throws.
    func start(_ process: Process) throws {
        try state.withLock { state in
            guard !state.isClosed else { return }
            try process.run()
            state.running.insert(process.processIdentifier)
        }
        stayIfEnding()
    }

    /// Never returns after ``endAll()``: whoever ends the run exits, and nobody else takes killed programs for slow ones.
    func stayIfEnding() {
        while state.withLock({ $0.isClosed }) { sleep(1) }
    }

    func ended(_ process: pid_t) {
        state.withLock { _ = $0.running.remove(process) }
    }

    /// Ends all, first kindly, after two seconds by force; no other starts after this.
    func endAll() {
        let running = state.withLock { state in
            state.isClosed = true
            return state.running
        }
        for process in running { kill(process, SIGTERM) }
        for _ in 0..<100 where !isEmpty { usleep(20_000) }
        for process in state.withLock({ $0.running }) { kill(process, SIGKILL) }
    }

    private var isEmpty: Bool { state.withLock { $0.running.isEmpty } }
}
