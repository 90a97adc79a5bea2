internal import EventLoops
internal import NodeTransport
internal import Synchronization
package import TransportTestKit

/// Machines that run real transports on a ``SimulatedNetwork``, in virtual time and on one thread.
///
/// Nothing waits: the time moves on by itself, to the next arrival, timer or end of a sleep, as soon as every machine
/// has come to rest. An hour of retries takes as long as the work that is done in it, and a busy computer makes a
/// test slow but changes nothing else. The network's accidents are those of its seed; what a transport draws itself
/// (keys, connection IDs) is its own.
///
/// A transport takes a machine's event loops when it is made; then it is used as ever, and names are those of machines:
///
/// ```swift
/// try await SimulatedWorld.run(seed: 7) { world in
///     world.network.setDefaultConditions(LinkConditions(delay: .milliseconds(20), loss: 0.1))
///     var servers: [any Transport] = []
///     for name in ["a", "b", "c"] {
///         let server = try QUICTransport(tls: tls, configuration: .init(), loops: world.machine(name).loops)
///         _ = try await server.listen(on: "quic://\(name):4433", services: [EchoService()])
///         servers.append(server)
///     }
///     let client = try QUICTransport(tls: tls, configuration: .init(), loops: world.machine("client").loops)
///     let connection = try await client.connect(to: "quic://a:4433")
///
///     world.network.at(.seconds(30)) { $0.cut(between: "client", and: "a") }  // a partition …
///     world.network.at(.seconds(60)) { $0.heal(between: "client", and: "a") }
///     world.machine("b").pause()  // … a process that hangs (or `slowDown(_:)`: one that is slow) …
///     world.machine("c").kill()  // … one that is killed
///     try await world.clock.sleep(for: .seconds(90))
///
///     await client.shutdown(within: .zero)
///     for server in servers { await server.shutdown(within: .zero) }
/// }
/// ```
///
/// What the world must know of runs on ``executor`` or on a machine's: the body does, and its child tasks. A `Task { }`
/// needs `Task(executorPreference: world.executor) { }`. Sleep on ``clock``; `Deadline.now` and `Deadline.after(_:)`
/// are in virtual time by themselves.
package final class SimulatedWorld: Sendable {
    /// A run that waits for its end.
    private struct Run {
        var end: Int64
        var fail: @Sendable (SimulationError) -> Void
    }

    private struct State {
        var machines: [String: SimulatedMachine] = [:]
        /// Of machines that are there, or were.
        var hostNumbers: [String: UInt32] = [:]
        /// What still runs on them may yet come back to their loops.
        var killed: [SimulatedMachine] = []
        var loops: SimulatedLoops?
        var run: Run?
        /// After the run: until when what is left may go on, and who waits for that.
        var rest: (end: Int64, waiter: CheckedContinuation<Void, Never>)?
    }

    /// How long, in virtual time, closed connections may take to be forgotten.
    private static let restDuration: Duration = .seconds(10)

    /// The time of a loop is more than 0.
    static let beginning: Int64 = 1_000_000_000

    /// What is between the machines. Its hosts are the machines, by name.
    package let network: SimulatedNetwork
    private let state = Mutex(State())

    /// The time: sleep on it.
    package var clock: VirtualClock { network.clock }

    /// Where the body of ``run(seed:timeLimit:_:)`` runs: beside all machines, and never paused.
    package var executor: any TaskExecutor { machine(Self.observer).executor }

    private static let observer = "observer"

    private init(seed: UInt64) { network = SimulatedNetwork(seed: seed, tracesPayloads: false) }

    /// The machine with this name, made when it is first asked for. The name is the host's in ``network``, and what an
    /// endpoint calls it.
    package func machine(_ name: String) -> SimulatedMachine {
        let (machine, isNew, loops) = state.withLock { state in
            if let machine = state.machines[name] { return (machine, false, state.loops) }
            let machine = SimulatedMachine(name, in: self)
            state.machines[name] = machine
            state.hostNumbers[name] = machine.host.number
            return (machine, true, state.loops)
        }
        if isNew { loops?.add(machine.loop) }
        return machine
    }

    /// The number of the host that is a machine by this name, or was one.
    func hostNumber(of name: String) -> UInt32? { state.withLock { $0.hostNumbers[name] } }

    func isKilled(_ machine: SimulatedMachine) -> Bool { state.withLock { $0.killed.contains { $0 === machine } } }

    /// It goes on being there, but not by its name.
    func remove(_ machine: SimulatedMachine) {
        state.withLock { state in
            guard state.machines[machine.name] === machine else { return }
            state.machines[machine.name] = nil
            state.killed.append(machine)
        }
    }

    func setPaused(_ isPaused: Bool, _ loop: EventLoop) { state.withLock { $0.loops }?.setPaused(isPaused, loop) }

    func setTurnCost(_ nanoseconds: Int64, _ loop: EventLoop) {
        state.withLock { $0.loops }?.setTurnCost(nanoseconds, loop)
    }

    func wake() { state.withLock { $0.loops }?.wake() }

    // MARK: Running

    /// Makes a world, runs `body` in it, and takes it down.
    ///
    /// - Parameters:
    ///   - seed: Decides the network's accidents.
    ///   - timeLimit: How much virtual time the body may take.
    ///   - body: It shuts down what it has started. It is cancelled when the time is over.
    /// - Returns: What `body` returned.
    /// - Throws: What `body` threw; ``SimulationError``, with the seed and what happened last, when the time is over, when
    ///   time stands still, or when for a minute of real time nothing can happen any more and the body has not ended.
    package static func run<Result: Sendable>(
        seed: UInt64, timeLimit: Duration = .seconds(3_600),
        _ body: @escaping @Sendable (SimulatedWorld) async throws -> Result
    ) async throws -> Result {
        let world = SimulatedWorld(seed: seed)
        let loops: SimulatedLoops
        do {
            loops = try SimulatedLoops(world)
            world.state.withLock { $0.loops = loops }
            _ = world.machine(observer)
            try loops.start()
        } catch {
            throw TransportError(.resourceExhausted, "no simulation: \(error)", origin: .library)
        }
        let outcome = await world.outcome(timeLimit, body)
        await world.stop(loops)
        // Tasks of a body that was given up may yet come back to their executors: those stay.
        let value = try outcome.get()
        world.state.withLock { state in
            (state.loops, state.machines, state.killed) = (nil, [:], [])
        }
        return value
    }

    private func outcome<Value: Sendable>(
        _ timeLimit: Duration, _ body: @escaping @Sendable (SimulatedWorld) async throws -> Value
    ) async -> Result<Value, any Error> {
        let end = OneShot<Value>()
        let now = Deadline.TimeSource { [clock] in clock.now }
        let task = Task(executorPreference: executor) {
            await Deadline.$timeSource.withValue(now) {
                do {
                    end.set(.success(try await body(self)))
                } catch {
                    end.set(.failure(error))
                }
            }
        }
        let run = Run(end: self.now.saturatingAdd(timeLimit.simulatedNanoseconds)) { error in
            end.set(.failure(error))
            task.cancel()
        }
        state.withLock { $0.run = run }
        wake()
        let outcome = await withTaskCancellationHandler {
            await end.value
        } onCancel: {
            task.cancel()
        }
        await rest()
        return outcome
    }

    /// Ends the run, and returns when nothing is left to happen or enough time has passed.
    private func rest() async {
        await withCheckedContinuation { waiter in
            state.withLock { state in
                state.run = nil
                state.rest = (now.saturatingAdd(Self.restDuration.simulatedNanoseconds), waiter)
            }
            wake()
        }
    }

    /// Waits for the thread, on another one.
    @concurrent
    private func stop(_ loops: SimulatedLoops) async { loops.stop() }
}

extension SimulatedWorld: LoopSimulation {
    /// The time of the loops.
    package var now: Int64 { network.nanoseconds + Self.beginning }

    package var nextEvent: Int64? { network.nextEvent.map { $0 + Self.beginning } }

    package func advance(to time: Int64) { network.step(to: time - Self.beginning) }

    package func mayAdvance(to next: Int64?) -> Bool {
        let (run, rest) = state.withLock { ($0.run, $0.rest) }
        if let run {
            guard let next, next > run.end else { return true }
            fail(.timeLimit)
        } else if let rest {
            if let next, next <= rest.end { return true }
            state.withLock { $0.rest = nil }
            rest.waiter.resume()
        }
        return false
    }

    package func runsHot() {
        fail(.livelock)
        state.withLock { $0.rest.take() }?.waiter.resume()
    }

    package func isStalled() { fail(.stalled) }

    package func withTime(_ body: () -> Void) {
        // What is started outside of any task inherits it too.
        Deadline.$timeSource.withValue(Deadline.TimeSource { [clock] in clock.now }, operation: body)
    }

    private func fail(_ code: SimulationError.Code) {
        let run = state.withLock { state in
            defer { state.run = nil }
            return state.run
        }
        run?.fail(network.error(code))
    }
}

/// What the first of several has to say; awaited once.
private final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Result<Value, any Error>, Never>)
        case set(Result<Value, any Error>)
    }

    private let state = Mutex(State.open)

    func set(_ value: Result<Value, any Error>) {
        let waiter = state.withLock { state -> CheckedContinuation<Result<Value, any Error>, Never>? in
            switch state {
            case .open:
                state = .set(value)
                return nil
            case .awaited(let waiter):
                state = .set(value)
                return waiter
            case .set: return nil
            }
        }
        waiter?.resume(returning: value)
    }

    var value: Result<Value, any Error> {
        get async {
            await withCheckedContinuation { waiter in
                let value = state.withLock { state -> Result<Value, any Error>? in
                    if case .set(let value) = state { return value }
                    state = .awaited(waiter)
                    return nil
                }
                if let value { waiter.resume(returning: value) }
            }
        }
    }
}

extension Int64 {
    func saturatingAdd(_ other: Int64) -> Int64 {
        let (sum, isTooLarge) = addingReportingOverflow(other)
        return isTooLarge ? .max : sum
    }
}
