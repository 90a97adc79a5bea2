internal import CSystem
internal import Glibc
internal import Synchronization

/// One thread that waits for sockets and timers, and runs the jobs of the tasks and actors that live on it.
///
/// A turn of the loop: take what the kernel reports and let each handler collect its events; take the
/// work of other threads; fire timers; run the jobs that resulted; let connections flush what the jobs
/// wrote. Each step is bounded, so none keeps the others from their turn. Work from other threads arrives
/// through a locked queue, and the loop is woken only when it sleeps.
///
/// Soundness of `@unchecked Sendable`: what other threads touch is in `remote`, behind a mutex, or
/// immutable; everything else is used on the loop's thread only, which entry points assert.
@usableFromInline
@safe package final class EventLoop: @unchecked Sendable {
    /// A job with the executor it was enqueued on.
    struct Job: Sendable {
        let job: UnownedJob
        let isSerial: Bool
    }

    private enum RemoteItem: Sendable {
        case job(Job)
        case work(@Sendable () -> Void)
    }

    private struct Remote {
        var items: [RemoteItem] = []
        var isSleeping = false
    }

    private struct Registration {
        var handler: (any LoopEventHandler)?
        var generation: UInt32
    }

    /// How many rounds of jobs run before sockets are looked at again.
    private static let jobRoundsPerTurn = 16
    private static let eventsPerTurn = 256
    /// What so many jobs wrote goes out before the others run: the peer works on it meanwhile, on another processor, where
    /// else the two would take turns. Fewer cost more writes than they gain.
    private static let jobsPerFlush = 32
    /// How many turns may follow ``stop()`` to run what is ready; tasks that never end do not keep the loop.
    private static let turnsAfterStop = 1_000
    private static let wakeToken = UInt64.max

    /// The loop's place in its group.
    package let index: Int

    private let epoll: Int32
    private let wakeDescriptor: Int32
    /// What a loop of a simulation has in the kernel's place; such a loop has no thread of its own.
    package let kernel: (any SimulatedKernel)?
    private let remote = Mutex(Remote())

    // Confined to the loop's thread.
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) private var jobs: [Job] = []
    private var runningJobs: [Job] = []
    private var registrations: [Registration] = []
    private var freeSlots: [Int] = []
    private var flushes: [any LoopFlushable] = []
    private var runningFlushes: [any LoopFlushable] = []
    private var timers = TimerHeap()
    private var idleSpin = IdleSpin()
    private var isStopping = false
    private var arrivals: [UDPSocket] = []

    /// CLOCK_MONOTONIC in nanoseconds, as read when this turn began.
    package private(set) var now: Int64

    /// Room for one read from a socket, shared by the loop's connections; valid on the loop until the next read.
    package let readBuffer: UnsafeMutableRawBufferPointer

    /// Room for what TLS makes of one read; as ``readBuffer``.
    package var plaintextBuffer: UnsafeMutableRawBufferPointer {
        if let buffer = unsafe plaintextStorage { return unsafe buffer }
        let buffer = unsafe UnsafeMutableRawBufferPointer.allocate(byteCount: readBuffer.count, alignment: 64)
        unsafe plaintextStorage = buffer
        return unsafe buffer
    }

    private var plaintextStorage: UnsafeMutableRawBufferPointer?

    /// Runs tasks on this loop (SE-0417).
    package private(set) lazy var taskExecutor = LoopTaskExecutor(loop: self)

    /// Runs actors on this loop (SE-0392).
    package private(set) lazy var serialExecutor = LoopSerialExecutor(loop: self)

    /// Runs what should run beside the loop; `nil` for the global one. A simulation does not see what runs there, so
    /// its loops do this too.
    package var concurrentExecutor: (any TaskExecutor)? { kernel == nil ? nil : taskExecutor }

    package init(index: Int, readBufferBytes: Int = 256 * 1024) throws(LoopError) {
        self.index = index
        kernel = nil
        now = cs_monotonic_ns()
        epoll = cs_epoll_create()
        guard epoll >= 0 else { throw LoopError(operation: "epoll_create1", errno: -epoll) }
        wakeDescriptor = cs_eventfd_create()
        guard wakeDescriptor >= 0 else {
            cs_close(epoll)
            throw LoopError(operation: "eventfd", errno: -wakeDescriptor)
        }
        unsafe readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: readBufferBytes, alignment: 64)
        let added = cs_epoll_add(epoll, wakeDescriptor, UInt32(CS_READABLE), Self.wakeToken)
        guard added >= 0 else { throw LoopError(operation: "epoll_ctl", errno: -added) }
        // Made here, so that no two threads make them.
        _ = taskExecutor
        _ = serialExecutor
    }

    /// A loop of a simulation, which gives it its turns.
    package init(index: Int, kernel: any SimulatedKernel, readBufferBytes: Int = 64 * 1024) {
        self.index = index
        self.kernel = kernel
        now = kernel.now
        // Whoever leaves work has to tell so.
        remote.withLock { $0.isSleeping = true }
        epoll = -1
        wakeDescriptor = -1
        unsafe readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: readBufferBytes, alignment: 64)
        _ = taskExecutor
        _ = serialExecutor
    }

    deinit {
        if kernel == nil {
            cs_close(epoll)
            cs_close(wakeDescriptor)
        }
        unsafe readBuffer.deallocate()
        unsafe plaintextStorage?.deallocate()
    }

    /// Whether the calling thread is this loop's.
    package var isCurrent: Bool {
        // Sound: the pointers are only compared.
        unsafe cs_thread_loop() == Unmanaged.passUnretained(self).toOpaque()
    }

    /// The loop whose thread this is.
    package static var current: EventLoop? {
        // Sound: the loop set the pointer for the time its `run()` is on the stack of this thread.
        unsafe cs_thread_loop().map { unsafe Unmanaged<EventLoop>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Stops the program when called from another thread than the loop's: a bug of ours.
    @usableFromInline
    package func assertCurrent() { precondition(isCurrent, "used off its event loop") }

    // MARK: Work

    /// Runs `work` on the loop: at once when called on it, soon otherwise.
    package func execute(_ work: @escaping @Sendable () -> Void) {
        if isCurrent { work() } else { submit(.work(work)) }
    }

    func enqueue(_ job: Job) {
        if isCurrent { jobs.append(job) } else { submit(.job(job)) }
    }

    private func submit(_ item: RemoteItem) {
        let isAsleep = remote.withLock { remote in
            remote.items.append(item)
            defer { remote.isSleeping = false }
            return remote.isSleeping
        }
        guard isAsleep else { return }
        if let kernel { kernel.wake() } else { cs_eventfd_signal(wakeDescriptor) }
    }

    /// Calls `flush()` of `object`, when this turn's jobs have run, or the first 32 of many, once for each time it was
    /// scheduled. What a flush schedules comes with the next flushes, not these.
    package func scheduleFlush(_ object: any LoopFlushable) {
        assertCurrent()
        flushes.append(object)
    }

    // MARK: Sockets

    /// Watches `descriptor`; `handler` is kept until ``remove(_:descriptor:)``.
    package func add(
        descriptor: Int32, events: LoopEvents, handler: any LoopEventHandler
    ) throws(LoopError) -> LoopRegistration {
        assertCurrent()
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            registrations[slot].generation &+= 1
            registrations[slot].handler = handler
        } else {
            slot = registrations.count
            registrations.append(Registration(handler: handler, generation: 0))
        }
        let registration = LoopRegistration(slot: UInt32(slot), generation: registrations[slot].generation)
        let code = cs_epoll_add(epoll, descriptor, events.rawValue, registration.token)
        guard code >= 0 else {
            remove(slot: slot)
            throw LoopError(operation: "epoll_ctl", errno: -code)
        }
        return registration
    }

    /// Changes what is watched; nothing after ``remove(_:descriptor:)``.
    package func modify(_ registration: LoopRegistration, descriptor: Int32, events: LoopEvents) {
        assertCurrent()
        // The number of a closed descriptor may be another connection's by now.
        guard handler(of: registration) != nil else { return }
        _ = cs_epoll_modify(epoll, descriptor, events.rawValue, registration.token)
    }

    /// Stops watching; no event for the registration is delivered any more.
    package func remove(_ registration: LoopRegistration, descriptor: Int32) {
        assertCurrent()
        guard handler(of: registration) != nil else { return }
        _ = cs_epoll_remove(epoll, descriptor)
        remove(slot: Int(registration.slot))
    }

    private func remove(slot: Int) {
        // The handler may go with this reference, and use the loop as it does: not within the access to the slots.
        let handler = registrations[slot].handler.take()
        freeSlots.append(slot)
        withExtendedLifetime(handler) {}
    }

    private func handler(of registration: LoopRegistration) -> (any LoopEventHandler)? {
        let slot = Int(registration.slot)
        guard slot < registrations.count, registrations[slot].generation == registration.generation else { return nil }
        return registrations[slot].handler
    }

    // MARK: Timers

    /// Fires `timer` at `deadline` (nanoseconds of ``now``'s clock), once, and not before the next turn; replaces an
    /// earlier deadline. `handler` is kept until then.
    package func schedule(_ timer: LoopTimer, for handler: any LoopTimerHandler, at deadline: Int64) {
        assertCurrent()
        let replaced = timers.remove(timer)
        // Later than now, so that a timer that is always due cannot hold the turn for ever.
        timers.insert(timer, for: handler, at: max(deadline, now + 1))
        withExtendedLifetime(replaced) {}
    }

    /// Fires `timer` after `delay`, measured from this moment.
    package func schedule(_ timer: LoopTimer, for handler: any LoopTimerHandler, after delay: Duration) {
        let nanoseconds = max(delay.clampedNanoseconds, 0)
        let (deadline, isTooLarge) = (kernel?.now ?? cs_monotonic_ns()).addingReportingOverflow(nanoseconds)
        schedule(timer, for: handler, at: isTooLarge ? .max : deadline)
    }

    /// This moment, as `ContinuousClock` tells it; in a simulation, as the simulation does.
    package var instant: ContinuousClock.Instant { kernel?.instant ?? .now }

    /// Does not fire `timer` any more, and lets its handler go.
    package func cancel(_ timer: LoopTimer) {
        assertCurrent()
        // As in `remove(slot:)`: the handler goes outside the access to the heap.
        let handler = timers.remove(timer)
        withExtendedLifetime(handler) {}
    }

    // MARK: Running

    /// Runs the loop on the calling thread until ``stop()``, and then what is ready.
    func run() {
        // Sound: whoever runs the loop keeps it, and the pointer is gone when it returns.
        unsafe cs_set_thread_loop(Unmanaged.passUnretained(self).toOpaque())
        defer { cs_set_thread_loop(nil) }
        var events = [cs_event](repeating: cs_event(), count: Self.eventsPerTurn)
        var turnsLeft = Self.turnsAfterStop
        while !isStopping || (isWorkReady && turnsLeft > 0) {
            if isStopping { turnsLeft -= 1 }
            let count = unsafe events.withUnsafeMutableBufferPointer { unsafe waitForEvents($0) }
            now = cs_monotonic_ns()
            for index in 0..<max(count, 0) { deliver(events[index]) }
            finishTurn()
        }
    }

    /// What follows what sockets brought.
    private func finishTurn() {
        takeRemoteItems()
        fireTimers()
        runJobs()
        runFlushes()
    }

    /// Ends ``run()`` when what is ready has run; what is submitted later never runs.
    func stop() { submit(.work { [unowned self] in isStopping = true }) }

    // MARK: Being simulated

    /// Whether a turn would do anything.
    var isTurnDue: Bool {
        isWorkReady || !arrivals.isEmpty || timers.nextDeadline.map { $0 <= (kernel?.now ?? now) } == true
    }

    var nextTimer: Int64? { timers.nextDeadline }

    /// One turn of a loop that has a ``kernel``, on the thread of the simulation.
    func runSimulatedTurn() {
        // Sound: the caller keeps the loop, and the pointer is gone when this returns.
        unsafe cs_set_thread_loop(Unmanaged.passUnretained(self).toOpaque())
        defer { cs_set_thread_loop(nil) }
        if let kernel { now = kernel.now }
        for socket in exchange(&arrivals, with: []) { socket.handle(.readable) }
        // Whoever leaves work from here on tells so.
        defer { remote.withLock { $0.isSleeping = $0.items.isEmpty } }
        finishTurn()
    }

    /// `socket` of this loop, which has a ``kernel``, has something to receive in the next turn.
    func noteArrival(_ socket: UDPSocket) { arrivals.append(socket) }

    private var isWorkReady: Bool {
        !jobs.isEmpty || !flushes.isEmpty || remote.withLock { !$0.items.isEmpty }
    }

    /// Waits until something happens or a timer is due: looks for it for a while, then sleeps.
    private func waitForEvents(_ events: UnsafeMutableBufferPointer<cs_event>) -> Int {
        guard jobs.isEmpty, flushes.isEmpty else { return unsafe poll(events, timeout: 0) }
        let start = cs_monotonic_ns()
        let deadline = timers.nextDeadline ?? .max
        guard start < deadline else { return unsafe poll(events, timeout: 0) }
        if idleSpin.time > 0, let count = unsafe lookForEvents(events, from: start, until: deadline) { return count }
        let maySleep = remote.withLock { remote in
            remote.isSleeping = remote.items.isEmpty
            return remote.isSleeping
        }
        guard maySleep else { return unsafe poll(events, timeout: 0) }
        let count = unsafe poll(events, timeout: deadline == .max ? -1 : max(deadline - cs_monotonic_ns(), 0))
        idleSpin.slept(cs_monotonic_ns() - start)
        return count
    }

    /// Looks for events again and again for as long as that is likely to pay; nil when it is time to sleep.
    private func lookForEvents(
        _ events: UnsafeMutableBufferPointer<cs_event>, from start: Int64, until deadline: Int64
    ) -> Int? {
        let end = min(start + idleSpin.time, deadline)
        var last = start
        while last < end {
            let count = unsafe poll(events, timeout: 0)
            if count != 0 || remote.withLock({ !$0.items.isEmpty }) { return count }
            // Whoever else wants this processor may be who is waited for.
            sched_yield()
            let now = cs_monotonic_ns()
            guard now - last <= IdleSpin.longestLook else {
                idleSpin.gaveWay()
                return nil
            }
            last = now
        }
        return nil
    }

    /// Takes what the kernel reports, within `timeout` nanoseconds; negative for ever.
    private func poll(_ events: UnsafeMutableBufferPointer<cs_event>, timeout: Int64) -> Int {
        Int(unsafe cs_epoll_wait(epoll, events.baseAddress, Int32(events.count), timeout))
    }

    private func deliver(_ event: cs_event) {
        guard event.token != Self.wakeToken else {
            cs_eventfd_drain(wakeDescriptor)
            return
        }
        let registration = LoopRegistration(token: event.token)
        handler(of: registration)?.handle(LoopEvents(rawValue: event.events))
    }

    private func takeRemoteItems() {
        let items = remote.withLock { remote in
            remote.isSleeping = false
            guard !remote.items.isEmpty else { return [RemoteItem]() }
            return exchange(&remote.items, with: [])
        }
        for item in items {
            switch item {
            case .job(let job): jobs.append(job)
            case .work(let work): work()
            }
        }
    }

    private func fireTimers() {
        while let (timer, handler) = timers.popDue(now: now) { handler.timerFired(timer) }
    }

    private func runJobs() {
        var rounds = 0
        while !jobs.isEmpty, rounds < Self.jobRoundsPerTurn {
            rounds += 1
            swap(&jobs, &runningJobs)
            for (index, job) in runningJobs.enumerated() {
                if index % Self.jobsPerFlush == Self.jobsPerFlush - 1 { runFlushes() }
                if job.isSerial {
                    unsafe job.job.runSynchronously(on: serialExecutor.asUnownedSerialExecutor())
                } else {
                    unsafe job.job.runSynchronously(on: taskExecutor.asUnownedTaskExecutor())
                }
            }
            runningJobs.removeAll(keepingCapacity: true)
        }
    }

    private func runFlushes() {
        guard !flushes.isEmpty else { return }
        swap(&flushes, &runningFlushes)
        for object in runningFlushes { object.flush() }
        runningFlushes.removeAll(keepingCapacity: true)
    }
}

extension Duration {
    /// The whole nanoseconds, within what an `Int64` holds (292 years).
    package var clampedNanoseconds: Int64 {
        let limit = Duration.seconds(Int64.max / 1_000_000_000)
        if self >= limit { return .max }
        if self <= .zero - limit { return .min }
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
