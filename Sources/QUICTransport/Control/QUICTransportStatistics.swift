public import NodeTransport

/// The figures of a ``QUICTransport``, for whoever keeps metrics.
public struct QUICTransportStatistics: Sendable {
    /// One connection that is open.
    public struct ConnectionSnapshot: Sendable {
        /// Who made the connection.
        public enum Role: String, Sendable {
            case client
            case server
        }

        /// Which side of it this is.
        public let role: Role
        /// The endpoint that was connected to, or the client's address.
        public let remoteEndpoint: Endpoint
        /// Who the peer has proved to be.
        public let peer: PeerIdentity?
        public let statistics: QUICConnectionStatistics
    }

    /// What never goes down while the transport lives: sums over its connections, also those that have closed.
    public struct Totals: Sendable, Hashable {
        /// Connections that became ready.
        public var connections: UInt64 = 0
        public var packetsSent: UInt64 = 0
        public var bytesSent: UInt64 = 0
        /// UDP datagrams.
        public var udpDatagramsReceived: UInt64 = 0
        public var bytesReceived: UInt64 = 0
        /// As ``QUICConnectionStatistics/lostStreamPackets``.
        public var lostStreamPackets: UInt64 = 0
        /// Datagrams (RFC 9221) that were lost on the way.
        public var lostDatagrams: UInt64 = 0
        /// Datagrams that this side had no room for, before they were sent or read.
        public var droppedDatagrams: UInt64 = 0
        public var keyUpdates: UInt64 = 0

        mutating func add(_ one: QUICConnectionStatistics) {
            connections &+= 1
            packetsSent &+= one.packetsSent
            bytesSent &+= one.bytesSent
            udpDatagramsReceived &+= one.datagramsReceived
            bytesReceived &+= one.bytesReceived
            lostStreamPackets &+= one.lostStreamPackets
            lostDatagrams &+= one.lostDatagrams
            droppedDatagrams &+= one.droppedDatagrams
            keyUpdates &+= one.keyUpdates
        }
    }

    /// The connections that are open, in no order.
    public internal(set) var connections: [ConnectionSnapshot] = []
    public internal(set) var totals = Totals()
}

extension QUICTransport {
    /// The figures of each open connection, and sums over all there have been. To be called from time to time: it asks
    /// every connection.
    public nonisolated func statistics() async -> QUICTransportStatistics { await book.statistics() }
}
