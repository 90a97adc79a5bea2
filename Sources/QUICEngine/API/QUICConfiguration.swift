internal import CNGTCP2

/// What an endpoint announces and enforces. Values outside of what the protocol allows are brought into it.
@safe
package struct QUICConfiguration: Sendable {
    package enum CongestionControl: Int32, Sendable, CaseIterable {
        case reno = 0
        case cubic = 1
        case bbr = 2
    }

    package enum RetryPolicy: Sendable, Equatable {
        /// Clients prove their address first once so many handshakes are under way.
        case above(halfOpen: Int)
        case always
    }

    /// The number of the owner's loop; ``QUICEndpoint/loopIndex(ofDatagram:secrets:)`` finds it in what arrives.
    package var loopIndex: UInt8 = 0

    package var congestionControl = CongestionControl.cubic

    // Windows, in bytes. The engine lets them grow when they are what limits the peer.
    package var initialStreamWindowBytes: UInt64 = 256 << 10
    package var initialConnectionWindowBytes: UInt64 = 512 << 10
    package var maxStreamWindowBytes: UInt64 = 6 << 20
    package var maxConnectionWindowBytes: UInt64 = 15 << 20

    /// How many streams the peer may have open at a time.
    package var maxBidirectionalStreams: UInt64 = 256
    package var maxUnidirectionalStreams: UInt64 = 256

    package var idleTimeout: QUICTime = .seconds(30)
    package var handshakeTimeout: QUICTime = .seconds(10)

    /// The round-trip time to begin with; 0 for the 333 ms of RFC 9002 §6.2.2.
    package var initialRoundTrip: QUICTime = 0

    /// The largest DATAGRAM frame accepted (RFC 9221); 0 for none at all.
    package var maxDatagramFrameBytes: UInt64 = 65_535
    /// How much may wait in each direction before the oldest datagram is dropped.
    package var datagramSendQueueBytes = 1 << 20

    /// The largest datagram sent, 1,200 to 65,527; path-MTU discovery finds out what passes.
    package var maxUDPPayloadBytes = 1452
    package var discoversPathMTU = true
    /// Tells the peer not to move to another address by its own will (RFC 9000 §18.2).
    package var forbidsMigration = false

    /// A stream whose unsent bytes have reached this takes no more…
    package var streamSendQueueBytes = 1 << 20
    /// …and says so when they are below this again.
    package var streamLowWaterBytes = 256 << 10

    // Admission, for servers.
    package var maxConnections = 10_000
    package var maxHalfOpenConnections = 4_000
    package var retry = RetryPolicy.above(halfOpen: 1_000)
    package var retryTokenLifetime: QUICTime = .seconds(15)
    /// How long a client may come back without Retry.
    package var newTokenLifetime: QUICTime = .seconds(24 * 3600)
    /// New connections from one IPv4 address or IPv6 /64; a sustained rate, and how many at once.
    package var newConnectionsPerSecondPerAddress: Double = 8
    package var newConnectionBurstPerAddress: Double = 64

    /// How many stateless resets are sent in a second.
    package var statelessResetsPerSecond: Double = 100

    /// When so many events wait, arriving datagrams are dropped as if the network had.
    package var maxQueuedEvents = 65_536

    /// Asked once for each new connection: where its qlog goes, in JSON text sequences; nil for nowhere.
    ///
    /// The sink is called from within the engine and must not call it.
    package var qlog: (@Sendable (_ isServer: Bool, _ path: QUICPath) -> (@Sendable (UnsafeRawBufferPointer) -> Void)?)?

    package init() {}

    func clamped() -> Self {
        let largest: UInt64 = 1 << 40
        var copy = self
        copy.initialStreamWindowBytes = min(initialStreamWindowBytes, largest)
        copy.initialConnectionWindowBytes = min(initialConnectionWindowBytes, largest)
        copy.maxStreamWindowBytes = min(max(maxStreamWindowBytes, initialStreamWindowBytes), largest)
        copy.maxConnectionWindowBytes = min(max(maxConnectionWindowBytes, initialConnectionWindowBytes), largest)
        copy.maxBidirectionalStreams = min(maxBidirectionalStreams, 1 << 30)
        copy.maxUnidirectionalStreams = min(maxUnidirectionalStreams, 1 << 30)
        copy.maxDatagramFrameBytes = min(maxDatagramFrameBytes, 65_535)
        copy.maxUDPPayloadBytes = min(max(maxUDPPayloadBytes, 1200), 65_527)
        copy.streamSendQueueBytes = max(streamSendQueueBytes, 1)
        copy.streamLowWaterBytes = min(max(streamLowWaterBytes, 1), copy.streamSendQueueBytes)
        copy.maxQueuedEvents = max(maxQueuedEvents, 64)
        return copy
    }
}

/// The secrets that the endpoints of one server share, so that each understands what the others issued.
package struct QUICSecrets: Sendable {
    /// Retry and NEW_TOKEN tokens, and stateless resets. A server that keeps the latter over a restart can
    /// reset the connections of its former life.
    let tokens: [UInt8]
    let resets: [UInt8]
    let routing: LoopRouting

    package init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    package init(using generator: inout some RandomNumberGenerator) {
        tokens = Self.secret(using: &generator)
        resets = Self.secret(using: &generator)
        routing = LoopRouting(key: generator.next())
    }
    /// 32 bytes, drawn in words: each draw may be a call of the kernel.
    private static func secret(using generator: inout some RandomNumberGenerator) -> [UInt8] {
        (0..<4).flatMap { _ in
            let word = generator.next()
            return (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
        }
    }
}
