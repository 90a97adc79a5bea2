internal import Dispatch
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
    /// - Throws: ``Failure`` after ``endAll()``; what `Process.run` throws.
    func start(_ process: Process) throws {
        try state.withLock { state in
            guard !state.isClosed else { throw Failure("the run is being ended") }
            try process.run()
            state.running.insert(process.processIdentifier)
        }
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

/// Ends the children, removes the folder of the run and exits with 128 + signal (130 for Ctrl-C) when a signal comes.
final class Interruption {
    private let sources: [any DispatchSourceSignal]

    init(removing folder: URL) {
        sources = [SIGINT, SIGTERM].map { number in
            // A handler and not SIG_IGN: children would inherit that.
            signal(number) { _ in }
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                Children.shared.endAll()
                try? FileManager.default.removeItem(at: folder)
                exit(128 + number)
            }
            source.resume()
            return source
        }
    }
}
