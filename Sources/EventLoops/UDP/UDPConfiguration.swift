/// How a ``UDPSocket`` is set up.
package struct UDPConfiguration: Sendable {
    /// What to ask of the kernel; what it grants is in ``UDPSocket/features``.
    package var features: UDPFeatures = .all

    /// Room asked for what was received and not yet read, in bytes. The system's limit (`net.core.rmem_max`) holds
    /// unless the process is privileged; ``UDPSocket/grantedReceiveBytes`` has the outcome.
    package var receiveBufferBytes = 7_500_000

    /// Room asked for what was sent and has not left, in bytes; as ``receiveBufferBytes``.
    package var sendBufferBytes = 7_500_000

    /// A socket bound to IPv6's any-address takes IPv4 peers too.
    package var isDualStack = true

    /// The largest datagram taken without ``UDPFeatures/receiveOffload``, in bytes (1...65,535); longer ones are
    /// dropped and counted. With it there is room for all that UDP can carry.
    package var maximumDatagramBytes = 9_216

    /// How many calls to receive one wake-up makes before other sockets have their turn (at least 1). Each takes at
    /// most a read buffer of the loop, 256 KiB.
    package var receivesPerWakeUp = 4

    package init() {}
}
