/// What a loop of a simulation has in the kernel's place: the time, and a network for datagrams.
///
/// Used on the simulation's thread, but for ``wake()``.
package protocol SimulatedKernel: AnyObject, Sendable {
    /// The time in nanoseconds, more than 0. It moves between the turns of the loops only.
    var now: Int64 { get }

    /// The same moment, as tasks see it.
    var instant: ContinuousClock.Instant { get }

    /// A bound socket; port 0 asks for a free one.
    ///
    /// - Parameters:
    ///   - address: The any-address stands for that of the machine.
    ///   - remote: The only peer that it hears from.
    func bind(_ address: InternetAddress, connectedTo remote: InternetAddress?) throws(LoopError) -> any SimulatedPort

    /// The addresses of a name, none when there are none.
    func addresses(of name: String, port: UInt16) -> [InternetAddress]

    /// Another thread has left work for a loop. From any thread.
    func wake()
}

/// What a ``UDPSocket`` of a simulated loop has in the descriptor's place. Used on the simulation's thread.
package protocol SimulatedPort: AnyObject, Sendable {
    var localAddress: InternetAddress { get }

    /// Calls `onArrival`, on the simulation's thread, when there is something to receive.
    func start(_ onArrival: @escaping @Sendable () -> Void)

    /// Sends one datagram.
    ///
    /// - Returns: Why it is refused, an error number; otherwise 0.
    func send(_ datagram: UnsafeRawBufferPointer, ecn: ECN, to remote: InternetAddress) -> Int32

    /// Lends what has come, one after the other, for as long as `body` answers true.
    func receive(_ body: (UnsafeRawBufferPointer, ECN, InternetAddress) -> Bool)

    /// News of datagrams that nobody took, those told before left out.
    func takeFailures() -> [UDPFailure]

    func close()
}
