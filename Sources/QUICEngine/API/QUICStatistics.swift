/// Figures of a connection. Times are in nanoseconds.
package struct QUICStatistics: Sendable {
    package var latestRoundTrip: QUICTime = 0
    package var minimumRoundTrip: QUICTime = 0
    package var smoothedRoundTrip: QUICTime = 0
    package var roundTripVariance: QUICTime = 0
    package var congestionWindowBytes: UInt64 = 0
    package var bytesInFlight: UInt64 = 0
    package var packetsSent: UInt64 = 0
    package var bytesSent: UInt64 = 0
    package var datagramsReceived: UInt64 = 0
    package var bytesReceived: UInt64 = 0
    /// Packets taken to be lost, counted once for each stream that had data in them.
    package var lostStreamPackets: UInt64 = 0
    /// DATAGRAM frames (RFC 9221) that were lost on the way.
    package var lostDatagrams: UInt64 = 0
    /// DATAGRAM frames that gave way to newer ones before they were sent.
    package var droppedDatagrams: UInt64 = 0
    /// How often the path was found not to carry large datagrams any more.
    package var blackHoles: UInt64 = 0
    package var isResumed = false
    package var isEarlyDataAccepted = false
    package var keyUpdates: UInt64 = 0
}
