internal import Dispatch
internal import Glibc
internal import Synchronization

/// When calls at a fixed rate are to start. A thread of its own names each time when it has come: what cannot start
/// yet waits here, for no longer than the run takes.
final class DueTimes: Sendable {
    private struct State {
        var times: [Int64] = []
        var first = 0
        var waiting: [CheckedContinuation<Int64?, Never>] = []
        var isOver = false
    }

    private let state = Mutex(State())

    /// How many calls were due and not started.
    var waitingCount: Int { state.withLock { $0.times.count - $0.first } }

    /// Names times from `start` until `end`, both in nanoseconds of ``Measurement/now``.
    func begin(rate: Double, start: Int64, end: Int64) {
        DispatchQueue(label: "pace", qos: .userInteractive).async { [self] in
            var number = 0.0
            while true {
                let time = start + Int64(number / rate * 1e9)
                guard time < end else { break }
                Self.sleep(until: time)
                add(time)
                number += 1
            }
            Self.sleep(until: end)
            finish()
        }
    }

    /// The next time that has come; nil after the end.
    nonisolated(nonsending) func next() async -> Int64? {
        await withCheckedContinuation { continuation in
            let answer: Int64?? = state.withLock { state in
                if state.isOver { return .some(nil) }
                guard state.first < state.times.count else {
                    state.waiting.append(continuation)
                    return nil
                }
                state.first += 1
                return state.times[state.first - 1]
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    private func add(_ time: Int64) {
        let waiter = state.withLock { state -> CheckedContinuation<Int64?, Never>? in
            if let waiter = state.waiting.popLast() { return waiter }
            state.times.append(time)
            return nil
        }
        waiter?.resume(returning: time)
    }

    private func finish() {
        let waiting = state.withLock { state in
            state.isOver = true
            return exchange(&state.waiting, with: [])
        }
        for waiter in waiting { waiter.resume(returning: nil) }
    }

    private static func sleep(until time: Int64) {
        var at = timespec(tv_sec: Int(time / 1_000_000_000), tv_nsec: Int(time % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nil) == EINTR {}
    }
}
