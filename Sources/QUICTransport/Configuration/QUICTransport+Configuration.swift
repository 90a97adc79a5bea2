internal import EventLoops
internal import GRPCCalls
internal import HTTP3Engine
public import NodeTransport
internal import QUICEngine

extension QUICTransport {
    /// Limits, time-outs and hooks. Every limit is finite by default.
    public struct Configuration: Sendable {
        /// The largest message accepted, in bytes; gRPC's default of 4 MiB. A longer one ends its call with
        /// ``/NodeTransport/StatusCode/resourceExhausted``.
        public var maximumReceiveMessageBytes = 4 << 20

        /// The largest message sent, in bytes; at most 4 GiB − 1.
        public var maximumSendMessageBytes = 64 << 20

        /// The largest list of header fields accepted, in bytes as RFC 9114 §4.2.2 counts them; gRPC's 16 KiB.
        public var maximumHeaderListBytes = 16 << 10

        /// How long a client of plain HTTP/3 may keep a handler waiting that reads its body, or writes to it, without that a
        /// byte moves: between once and twice that long. The request is answered with 408, or its stream is reset.
        public var stalledBodyTimeout: Duration = .seconds(60)

        /// How many calls a client may have under way on one connection.
        public var maximumConcurrentStreams = 256

        /// How many calls wait on a client's connection while the server allows no more at once; a further one fails
        /// with ``/NodeTransport/StatusCode/resourceExhausted``.
        public var maximumQueuedCalls = 16_384

        /// How many connections a listener holds; further ones are refused.
        public var maximumConnections = 16_384

        /// How many handshakes may be under way on each event loop of a listener.
        public var maximumHalfOpenConnections = 4_000

        /// New connections from one IPv4 address or IPv6 /64 on each event loop of a listener: how many a second in the
        /// long run, and how many at once.
        public var newConnectionsPerSecondPerAddress: Double = 64
        /// As ``newConnectionsPerSecondPerAddress``.
        public var newConnectionBurstPerAddress: Double = 512

        /// When clients prove their address first, at the price of a round trip (RFC 9000 §8.1.2).
        public var addressValidation = AddressValidation.above(halfOpenConnections: 1_000)

        /// How long a handshake may take.
        public var handshakeTimeout: Duration = .seconds(10)

        /// How long a connection may be silent before it counts as lost. Connections with calls under way are kept
        /// alive by pings.
        public var idleTimeout: Duration = .seconds(30)

        /// Pings on quiet connections also while no call is under way; `nil` lets them end by ``idleTimeout``.
        public var keepAlive: KeepAlivePolicy?

        /// Whether a client sends idempotent calls in its first flight to a server that it has talked to before
        /// (0-RTT, RFC 9001 §4.6).
        ///
        /// ``/NodeTransport/Transport/connect(to:)`` then returns at once where an earlier connection has left what it
        /// takes, before it is known whether the server is there: the state is
        /// ``/NodeTransport/ConnectionState/connecting``, there is no ``/NodeTransport/Connection/peer`` yet, and a failed
        /// handshake fails the calls. Calls that are not idempotent wait until the handshake is confirmed; when the server
        /// does not take early data, what was sent early is sent again. It is not forward secret, and whoever copies
        /// it may make the server process it twice: see ``/NodeTransport/CallHead/isIdempotent``.
        public var sendsEarlyData = false

        /// Whether a listener takes calls in a client's first flight (0-RTT).
        ///
        /// Handlers of methods that are not idempotent do not run before the handshake is complete; neither do those of
        /// datagrams, and plain requests are answered with 425 (RFC 8470 §5.2). Copies of early data are refused by the
        /// transport that gave the ticket, and not understood by others. A listener that asks for clients' certificates
        /// gives no tickets, and so takes no early data.
        public var acceptsEarlyData = false

        /// How much a peer may send ahead of the reader on one stream at first, in bytes, and at most, when that is what
        /// limits it.
        public var streamWindowBytes = 512 << 10
        /// As ``streamWindowBytes``.
        public var maximumStreamWindowBytes = 6 << 20

        /// How much a peer may have in flight on one connection at first, in bytes, and at most.
        public var connectionWindowBytes = 1 << 20
        /// As ``connectionWindowBytes``.
        public var maximumConnectionWindowBytes = 15 << 20

        /// How the sending rate follows the network.
        public var congestionControl = CongestionControl.cubic

        /// Room asked of the kernel for datagrams that wait, in bytes and each way.
        public var socketBufferBytes = 7_500_000

        /// Datagrams (RFC 9221) that wait to be sent, and to be read, in bytes; the oldest give way.
        public var datagramQueueBytes = 1 << 20

        /// The largest UDP payload sent, 1,200 to 65,527 bytes; path-MTU discovery finds out what passes.
        public var maximumUDPPayloadBytes = 1452

        /// A folder in which each connection writes its qlog; `nil` for none.
        public var qlogFolder: String?

        /// Hears what nobody awaits: refused handshakes, connections that come and go. Called on an event loop:
        /// it must not block.
        public var onEvent: (@Sendable (TransportEvent) -> Void)?

        /// Hears the last figures of each connection that closes. As ``onEvent``.
        public var onConnectionClosed: (@Sendable (QUICTransportStatistics.ConnectionSnapshot) -> Void)?

        /// Where the transport's connections leave their figures; its own.
        var book: StatisticsBook?

        public init() {}
    }

    /// When a server has clients prove their address before it does any work for them.
    public enum AddressValidation: Sendable, Hashable {
        /// Once so many handshakes are under way on an event loop.
        case above(halfOpenConnections: Int)
        case always
    }

    /// How the sending rate follows the network.
    public enum CongestionControl: Sendable, Hashable, CaseIterable {
        case reno
        case cubic
        case bbr
    }
}

extension QUICTransport.Configuration {
    /// The QUIC engine's share of these settings.
    func engine(loopIndex: Int = 0) -> QUICConfiguration {
        var engine = QUICConfiguration()
        engine.loopIndex = UInt8(truncatingIfNeeded: loopIndex)
        engine.congestionControl =
            switch congestionControl {
            case .reno: .reno
            case .cubic: .cubic
            case .bbr: .bbr
            }
        engine.initialStreamWindowBytes = UInt64(max(streamWindowBytes, 1))
        engine.maxStreamWindowBytes = UInt64(max(maximumStreamWindowBytes, 1))
        engine.initialConnectionWindowBytes = UInt64(max(connectionWindowBytes, 1))
        engine.maxConnectionWindowBytes = UInt64(max(maximumConnectionWindowBytes, 1))
        engine.maxBidirectionalStreams = UInt64(max(maximumConcurrentStreams, 1))
        engine.maxUnidirectionalStreams = 16
        engine.idleTimeout = QUICTime(max(idleTimeout.clampedNanoseconds, 1))
        engine.handshakeTimeout = QUICTime(max(handshakeTimeout.clampedNanoseconds, 1))
        engine.maxConnections = max(maximumConnections, 0)
        engine.maxHalfOpenConnections = max(maximumHalfOpenConnections, 0)
        engine.newConnectionsPerSecondPerAddress = newConnectionsPerSecondPerAddress
        engine.newConnectionBurstPerAddress = newConnectionBurstPerAddress
        engine.retry =
            switch addressValidation {
            case .above(let count): .above(halfOpen: count)
            case .always: .always
            }
        engine.datagramSendQueueBytes = max(datagramQueueBytes, 0)
        engine.maxUDPPayloadBytes = maximumUDPPayloadBytes
        unsafe engine.qlog = qlog
        return engine
    }

    /// The HTTP/3 engine's share.
    var http3: HTTP3Configuration {
        var engine = HTTP3Configuration()
        engine.maxFieldSectionBytes = maximumHeaderListBytes
        engine.announcesDatagrams = true
        return engine
    }

    /// The sockets' share.
    var socket: UDPConfiguration {
        var socket = UDPConfiguration()
        socket.receiveBufferBytes = socketBufferBytes
        socket.sendBufferBytes = socketBufferBytes
        return socket
    }

    /// The calls' share.
    var callLimits: CallLimits {
        CallLimits(
            maximumReceiveMessageBytes: maximumReceiveMessageBytes, maximumSendMessageBytes: maximumSendMessageBytes,
            sendQueueBytes: Self.streamQueueLowWaterBytes)
    }

    private static let streamQueueLowWaterBytes = HTTP3Configuration().streamQueueLowWaterBytes
}
