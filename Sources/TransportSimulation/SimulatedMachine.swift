package import EventLoops
internal import Glibc
internal import NodeTransport
internal import Synchronization
package import TransportTestKit

/// A machine of a ``SimulatedWorld``: a host of the network with an event loop of its own.
package final class SimulatedMachine: Sendable {
    /// Its place in the network.
    package let host: SimulatedHost
    private let world: SimulatedWorld
    let loop: EventLoop
    private let kernel: MachineKernel

    init(_ name: String, in world: SimulatedWorld) {
        self.world = world
        host = world.network.host(name)
        kernel = MachineKernel(host, world)
        loop = EventLoop(index: 0, kernel: kernel)
    }

    package var name: String { host.name }

    /// What a transport of this machine lives on.
    package var loops: EventLoopGroup { EventLoopGroup(simulated: [loop]) }

    /// Runs tasks on this machine, so that they are paused with it.
    package var executor: any TaskExecutor { loop.taskExecutor }

    /// Gives the machine no more turns: datagrams gather and timers are late, as when its process hangs.
    package func pause() { world.setPaused(true, loop) }

    /// Takes ``pause()`` back.
    package func resume() { world.setPaused(false, loop) }

    /// Lets each turn of the machine's loop take some time, as if its processor were slow or had other things to do. What
    /// has come meanwhile is handled in one turn, so this delays everything and limits how often the machine acts.
    ///
    /// - Parameter timePerTurn: `.zero` takes it back.
    package func slowDown(_ timePerTurn: Duration) { world.setTurnCost(timePerTurn.simulatedNanoseconds, loop) }

    /// Kills the process: nothing that runs on the machine goes on, its sockets are closed, and whoever sends to them
    /// hears that nobody listens. The next ``SimulatedWorld/machine(_:)`` of the name is a new process at the same host.
    ///
    /// When the power is to fail, call ``SimulatedNetwork/cutOff(_:)`` too: then nobody hears anything. Do not wait for
    /// anything on a machine that was killed, such as its transport's shutdown: it does not come.
    package func kill() {
        pause()
        world.remove(self)
        kernel.closeAll()
    }

    /// Whether it was killed.
    package var isKilled: Bool { world.isKilled(self) }
}

/// The kernel of a machine.
private final class MachineKernel: SimulatedKernel {
    private let host: SimulatedHost
    private let world: SimulatedWorld
    private let ports = Mutex<[ObjectIdentifier: Weak]>([:])

    private struct Weak: Sendable {
        weak var port: MachinePort?
    }

    init(_ host: SimulatedHost, _ world: SimulatedWorld) {
        self.host = host
        self.world = world
    }

    var now: Int64 { world.now }
    var instant: ContinuousClock.Instant { world.clock.now }

    func bind(
        _ address: InternetAddress, connectedTo remote: InternetAddress?
    ) throws(LoopError) -> any SimulatedPort {
        guard address.isAny || address.simulated?.host == host.number else {
            throw LoopError(operation: "bind", errno: EADDRNOTAVAIL)
        }
        do {
            let port = try MachinePort(host, address.port, connectedTo: remote)
            ports.withLock { ports in
                for (id, entry) in ports where entry.port == nil { ports[id] = nil }
                ports[ObjectIdentifier(port)] = Weak(port: port)
            }
            return port
        } catch {
            let isTaken = (error as? TransportError)?.code == .alreadyExists
            throw LoopError(operation: "bind", errno: isTaken ? EADDRINUSE : ENOBUFS)
        }
    }

    func addresses(of name: String, port: UInt16) -> [InternetAddress] {
        world.hostNumber(of: name).map { [InternetAddress(SimulatedAddress(host: $0, port: port))] } ?? []
    }

    func closeAll() {
        for entry in ports.withLock({ Array($0.values) }) { entry.port?.close() }
    }

    func wake() { world.wake() }
}
