/// Runs tasks on an event loop when they prefer it (SE-0417).
package final class LoopTaskExecutor: TaskExecutor {
    // A loop and its executors live as long as the group that owns the loop.
    private unowned let loop: EventLoop

    init(loop: EventLoop) { self.loop = loop }

    package func enqueue(_ job: consuming ExecutorJob) {
        loop.enqueue(EventLoop.Job(job: UnownedJob(job), isSerial: false))
    }
}

/// Runs the actors that live on an event loop (SE-0392).
package final class LoopSerialExecutor: SerialExecutor {
    // A loop and its executors live as long as the group that owns the loop.
    private unowned let loop: EventLoop

    init(loop: EventLoop) { self.loop = loop }

    package func enqueue(_ job: consuming ExecutorJob) {
        loop.enqueue(EventLoop.Job(job: UnownedJob(job), isSerial: true))
    }

    package func checkIsolated() { loop.assertCurrent() }
}

/// An actor that lives on an event loop for its whole life.
@usableFromInline
package protocol LoopActor: Actor {
    nonisolated var loop: EventLoop { get }
}

extension LoopActor {
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.serialExecutor.asUnownedSerialExecutor()
    }

    /// Runs `body` isolated to this actor without a hop; the caller must be on the loop's thread.
    ///
    /// The standard library's `assumeIsolated` asks the runtime for the current executor; comparing the
    /// thread is several times cheaper and as strict, since the loop's thread is the executor.
    ///
    /// It is inlined, for else the closure and what converts it are made as objects for each turn.
    @inlinable
    @inline(__always)
    package nonisolated func onLoop<Result, Failure: Error>(
        _ body: (isolated Self) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        typealias Plain = (Self) throws(Failure) -> Result
        loop.assertCurrent()
        return try withoutActuallyEscaping(body) {
            (body: @escaping (isolated Self) throws(Failure) -> Result) throws(Failure) in
            // Sound: isolation is a matter of the static type only, and the thread has been checked.
            try unsafe unsafeBitCast(body, to: Plain.self)(self)
        }
    }

    /// The same for what every turn does: a `body` that captures nothing is no object.
    @inlinable
    @inline(__always)
    package nonisolated func onLoop<Argument>(_ argument: Argument, _ body: @escaping (isolated Self, Argument) -> Void)
    {
        typealias Plain = (Self, Argument) -> Void
        loop.assertCurrent()
        // Sound as above.
        unsafe unsafeBitCast(body, to: Plain.self)(self, argument)
    }
}
