/// What a ``UDPSocket`` has done since it was opened.
package struct UDPStatistics: Sendable, Hashable {
    package var receivedDatagrams = 0
    package var receivedBytes = 0
    /// System calls that received something.
    package var receiveCalls = 0
    /// Datagrams longer than the room for them.
    package var truncatedDatagrams = 0
    package var sentDatagrams = 0
    package var sentBytes = 0
    /// System calls that sent something.
    package var sendCalls = 0
    /// Sends that found the buffer full.
    package var blockedSends = 0
    /// Sends that the kernel dropped for want of memory or room in a device's queue.
    package var droppedSends = 0
}
