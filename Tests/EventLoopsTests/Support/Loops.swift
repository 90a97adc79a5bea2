import EventLoops
import Synchronization

/// Runs `body` with fresh event loops, and stops them.
func withLoops<Result: Sendable>(
    _ count: Int = 1, _ body: (EventLoopGroup) async throws -> Result
) async throws -> Result {
    let group = try EventLoopGroup(count: count)
    defer { group.stop() }
    return try await body(group)
}

/// Runs `body` with one fresh event loop, and stops it.
func withLoop<Result: Sendable>(_ body: (EventLoop) async throws -> Result) async throws -> Result {
    try await withLoops { try await body($0.loops[0]) }
}

extension EventLoop {
    /// Runs `body` on the loop and waits for its result.
    func perform<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            execute { continuation.resume(with: Result(catching: body)) }
        }
    }
}

/// What happened, in order; from any thread.
final class Log<Entry: Sendable>: Sendable {
    private let storage = Mutex<[Entry]>([])

    var entries: [Entry] { storage.withLock { $0 } }

    func append(_ entry: Entry) { storage.withLock { $0.append(entry) } }
}

/// Happens once; whoever waits for it goes on then.
final class Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func fire() { continuation.finish() }

    func wait() async { for await _ in stream {} }
}

/// Stands for everything that a loop calls; what it does is up to the test.
///
/// Soundness of `@unchecked Sendable`: the timer and the registration are used on the loop only.
final class Probe: LoopEventHandler, LoopFlushable, LoopTimerHandler, @unchecked Sendable {
    let timer = LoopTimer()
    var registration: LoopRegistration?
    var onEvents: ((Probe, LoopEvents) -> Void)?
    var onFlush: ((Probe) -> Void)?
    var onTimer: ((Probe) -> Void)?

    init(
        onEvents: ((Probe, LoopEvents) -> Void)? = nil, onFlush: ((Probe) -> Void)? = nil,
        onTimer: ((Probe) -> Void)? = nil
    ) {
        self.onEvents = onEvents
        self.onFlush = onFlush
        self.onTimer = onTimer
    }

    func handle(_ events: LoopEvents) { onEvents?(self, events) }
    func flush() { onFlush?(self) }
    func timerFired(_ timer: LoopTimer) { onTimer?(self) }
}

/// Runs `action` as it goes.
final class AtEnd: LoopEventHandler, LoopTimerHandler, Sendable {
    private let action: @Sendable () -> Void

    init(_ action: @escaping @Sendable () -> Void) { self.action = action }
    deinit { action() }

    func handle(_ events: LoopEvents) {}
    func timerFired(_ timer: LoopTimer) {}
}
