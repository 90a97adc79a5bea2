internal import CSystem
internal import Glibc
internal import Synchronization

/// A fixed number of event loops, each on a thread of its own.
///
/// Threads are not pinned to processors: on a machine with few of them, loops of several processes
/// would be pinned to the same one while another is idle, and two ends of a connection that talk in
/// turns run fastest when the scheduler may put them on one processor.
package final class EventLoopGroup: Sendable {
    /// Loops for the whole process, one for each processor; made at first use, never stopped.
    package static let shared: EventLoopGroup = {
        do {
            return try EventLoopGroup(count: defaultCount)
        } catch {
            preconditionFailure("event loops could not be started: \(error)")
        }
    }()

    /// How many processors there are.
    package static var defaultCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    package let loops: [EventLoop]
    private let threads: [UInt64]
    private let turn = Atomic<Int>(0)

    /// Starts `count` loops (at least 1).
    package init(count: Int) throws(LoopError) {
        var loops: [EventLoop] = []
        var threads: [UInt64] = []
        do throws(LoopError) {
            for index in 0..<max(count, 1) {
                let loop = try EventLoop(index: index)
                threads.append(try Self.startThread(for: loop))
                loops.append(loop)
            }
        } catch {
            Self.stop(loops, threads)
            throw error
        }
        self.loops = loops
        self.threads = threads
    }

    /// Loops of a simulation, which gives them their turns (at least one).
    package init(simulated loops: [EventLoop]) {
        self.loops = loops
        threads = []
    }

    private static func startThread(for loop: EventLoop) throws(LoopError) -> UInt64 {
        var thread: UInt64 = 0
        // The thread's own reference, which `runLoop` takes over.
        let argument = unsafe Unmanaged.passRetained(loop).toOpaque()
        let code = unsafe cs_thread_start("loop-\(loop.index)", runLoop, argument, &thread)
        guard code >= 0 else {
            // No thread has taken the reference over.
            unsafe Unmanaged<EventLoop>.fromOpaque(argument).release()
            throw LoopError(operation: "pthread_create", errno: -code)
        }
        return thread
    }

    /// The loop this thread runs, if it is one of ours; otherwise each in turn.
    package func next() -> EventLoop {
        if let current = EventLoop.current, loops.contains(where: { $0 === current }) { return current }
        return loops[turn.add(1, ordering: .relaxed).newValue % loops.count]
    }

    /// Runs what is ready, stops the loops and waits for their threads. Nothing may be registered any more, and work
    /// that comes later never runs. Once; not from a loop's thread, and not for ``shared``.
    package func stop() { Self.stop(loops, threads) }

    private static func stop(_ loops: [EventLoop], _ threads: [UInt64]) {
        for loop in loops { loop.stop() }
        for thread in threads { _ = cs_thread_join(thread) }
    }
}

/// A loop thread's body; takes over the reference that was passed.
private func runLoop(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument = unsafe argument {
        // Sound: `startThread` retained the loop for this thread.
        unsafe Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().run()
    }
    return nil
}
