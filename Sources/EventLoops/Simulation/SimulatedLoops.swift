internal import CSystem
internal import Synchronization

/// Whoever moves the time of ``SimulatedLoops``; called on their thread.
package protocol LoopSimulation: AnyObject, Sendable {
    /// The time, as that of the loops' kernels.
    var now: Int64 { get }

    /// When something happens next of itself; `nil` for never.
    var nextEvent: Int64? { get }

    /// Moves the time, and hands over what is due.
    func advance(to time: Int64)

    /// Whether the time may move; all loops have come to rest.
    ///
    /// - Parameter next: When a timer fires or something else happens; `nil` for never.
    func mayAdvance(to next: Int64?) -> Bool

    /// The loops do not come to rest.
    func runsHot()

    /// For ``SimulatedLoops/patience`` nothing has happened, and nothing is going to.
    func isStalled()

    /// Runs `body`, which is all that the thread does.
    func withTime(_ body: () -> Void)
}

/// Loops that take turns on one thread, in a time that moves only when all of them have come to rest.
///
/// A loop is at rest when it has no jobs, nothing to flush and nothing to receive, and no timer that is due. What runs
/// on other threads is not seen: tasks of the simulation must prefer the executor of one of the loops.
///
/// Soundness of `@unchecked Sendable`: what other threads touch is behind a mutex or immutable.
package final class SimulatedLoops: @unchecked Sendable {
    private struct State {
        var loops: [EventLoop] = []
        var paused: Set<ObjectIdentifier> = []
        /// How long a turn takes, in nanoseconds, where it takes any time.
        var turnCosts: [ObjectIdentifier: Int64] = [:]
        var isSignalled = false
        var isSleeping = false
        var isStopping = false
    }

    /// How long the thread waits, in real time, for work from elsewhere before it reports that there is none.
    package static let patience: Duration = .seconds(60)
    /// How many turns there may be while time stands still.
    private static let turnsPerMoment = 10_000_000
    private static let turnsAfterStop = 1_000

    private let simulation: any LoopSimulation
    private let state = Mutex(State())
    private let epoll: Int32
    private let wakeDescriptor: Int32
    private let thread = Mutex<UInt64?>(nil)
    // Of the thread only.
    private var turns = 0
    /// Until when loops whose turns take time have no other.
    private var busyUntil: [ObjectIdentifier: Int64] = [:]

    /// - Parameter simulation: It has to outlive the thread.
    package init(_ simulation: any LoopSimulation) throws(LoopError) {
        self.simulation = simulation
        epoll = cs_epoll_create()
        wakeDescriptor = cs_eventfd_create()
        guard epoll >= 0, wakeDescriptor >= 0 else {
            throw LoopError(operation: "epoll_create1, eventfd", errno: -min(epoll, wakeDescriptor))
        }
        let added = cs_epoll_add(epoll, wakeDescriptor, UInt32(CS_READABLE), 0)
        guard added >= 0 else { throw LoopError(operation: "epoll_ctl", errno: -added) }
    }

    deinit {
        if epoll >= 0 { cs_close(epoll) }
        if wakeDescriptor >= 0 { cs_close(wakeDescriptor) }
    }

    package func add(_ loop: EventLoop) {
        state.withLock { $0.loops.append(loop) }
        wake()
    }

    /// Gives `loop` no turns, as if its process were stopped, or gives it turns again.
    package func setPaused(_ isPaused: Bool, _ loop: EventLoop) {
        state.withLock { state in
            if isPaused {
                state.paused.insert(ObjectIdentifier(loop))
            } else {
                state.paused.remove(ObjectIdentifier(loop))
            }
        }
        wake()
    }

    /// Lets each turn of `loop` take `nanoseconds` until the next can begin, as if its processor were slow or shared.
    package func setTurnCost(_ nanoseconds: Int64, _ loop: EventLoop) {
        state.withLock { $0.turnCosts[ObjectIdentifier(loop)] = nanoseconds > 0 ? nanoseconds : nil }
        wake()
    }

    /// Lets the thread look for work.
    package func wake() {
        let isSleeping = state.withLock { state in
            state.isSignalled = true
            return state.isSleeping
        }
        if isSleeping { cs_eventfd_signal(wakeDescriptor) }
    }

    // MARK: The thread

    /// Starts the thread. Once.
    package func start() throws(LoopError) {
        var handle: UInt64 = 0
        // The thread's own reference, which `runLoops` takes over.
        let argument = unsafe Unmanaged.passRetained(self).toOpaque()
        let code = unsafe cs_thread_start("simulation", runLoops, argument, &handle)
        guard code >= 0 else {
            // No thread has taken the reference over.
            unsafe Unmanaged<SimulatedLoops>.fromOpaque(argument).release()
            throw LoopError(operation: "pthread_create", errno: -code)
        }
        let started = handle
        thread.withLock { $0 = started }
    }

    /// Runs what is ready, ends the thread and waits for it; work that comes later never runs. Not from the thread.
    package func stop() {
        state.withLock { $0.isStopping = true }
        wake()
        if let handle = thread.withLock({ $0.take() }) { _ = cs_thread_join(handle) }
        state.withLock { $0.loops = [] }
    }

    fileprivate func run() {
        simulation.withTime {
            while !state.withLock({ $0.isStopping }) { step() }
            var left = Self.turnsAfterStop
            while left > 0, turnAll() { left -= 1 }
        }
    }

    private func step() {
        if !turnAll() {
            let next = nextEvent
            guard simulation.mayAdvance(to: next), let next else { return sleep(isExpected: next != nil) }
            let before = simulation.now
            simulation.advance(to: next)
            if simulation.now > before { turns = 0 }
        }
        turns += 1
        if turns > Self.turnsPerMoment {
            turns = 0
            simulation.runsHot()
        }
    }

    /// Gives a turn to each loop that has something to do; false when none has.
    private func turnAll() -> Bool {
        var isBusy = false
        let (loops, costs) = runningLoops(isTurnBeginning: true)
        for loop in loops where freeAt(loop) <= simulation.now && loop.isTurnDue {
            loop.runSimulatedTurn()
            isBusy = true
            if let cost = costs[ObjectIdentifier(loop)] {
                busyUntil[ObjectIdentifier(loop)] = simulation.now.addingClamped(cost)
            }
        }
        return isBusy
    }

    private func freeAt(_ loop: EventLoop) -> Int64 {
        busyUntil.isEmpty ? .min : busyUntil[ObjectIdentifier(loop)] ?? .min
    }

    private func runningLoops(isTurnBeginning: Bool) -> ([EventLoop], costs: [ObjectIdentifier: Int64]) {
        state.withLock { state in
            if isTurnBeginning { state.isSignalled = false }
            guard !state.paused.isEmpty else { return (state.loops, state.turnCosts) }
            return (state.loops.filter { !state.paused.contains(ObjectIdentifier($0)) }, state.turnCosts)
        }
    }

    private var nextEvent: Int64? {
        runningLoops(isTurnBeginning: false).0.reduce(simulation.nextEvent) { next, loop in
            let free = freeAt(loop)
            // All are at rest, but for those that are not free yet.
            let due = free > simulation.now && loop.isTurnDue ? free : loop.nextTimer.map { max($0, free) }
            guard let due else { return next }
            return next.map { min($0, due) } ?? due
        }
    }

    private func sleep(isExpected: Bool) {
        let isAsleep = state.withLock { state in
            state.isSleeping = !state.isSignalled && !state.isStopping
            return state.isSleeping
        }
        guard isAsleep else { return }
        var event = cs_event()
        let count = unsafe cs_epoll_wait(epoll, &event, 1, Self.patience.clampedNanoseconds)
        cs_eventfd_drain(wakeDescriptor)
        state.withLock { $0.isSleeping = false }
        if count == 0, !isExpected { simulation.isStalled() }
    }
}

/// The body of a simulation's thread; takes over the reference that was passed.
private func runLoops(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument = unsafe argument {
        // Sound: `start` retained the loops for this thread.
        unsafe Unmanaged<SimulatedLoops>.fromOpaque(argument).takeRetainedValue().run()
    }
    return nil
}

extension Int64 {
    /// The sum, or the nearest number there is.
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, isOverflow) = addingReportingOverflow(other)
        return isOverflow ? (other > 0 ? .max : .min) : sum
    }
}
