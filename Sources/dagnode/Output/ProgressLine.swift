internal import Synchronization

/// How far something has come: one line that is written over on a terminal, a line for each tenth elsewhere.
final class ProgressLine: Sendable {
    private struct State {
        var lastTenth = -1
        var isOpen = false
    }

    private let total: Int
    private let state = Mutex(State())

    init(total: Int) { self.total = max(total, 1) }

    /// Shows `text` when it is due; `done` of the total are done.
    func show(_ done: Int, _ text: () -> String) {
        state.withLock { state in
            if Console.isTerminal {
                Console.printPart("\r\(text())\u{1b}[K")
                state.isOpen = true
            } else {
                let tenth = done * 10 / total
                guard tenth > state.lastTenth else { return }
                state.lastTenth = tenth
                Console.print(text())
            }
        }
    }

    /// Ends the line, so that something else can be printed.
    func end() {
        state.withLock { state in
            if state.isOpen { Console.printPart("\n") }
            state.isOpen = false
        }
    }
}
