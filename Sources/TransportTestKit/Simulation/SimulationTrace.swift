internal import NodeTransport

/// What happened in a ``SimulatedNetwork``, the latest entries of it, and a digest of everything.
public struct SimulationTrace: Sendable {
    /// What happened to a datagram.
    public enum Event: String, Sendable, Hashable {
        case sent
        case delivered
        case lost
        case cutOff = "cut off"
        case blackHoled = "black-holed"
        case queueFull = "queue full"
        case undeliverable
    }

    /// One line of the trace.
    public struct Entry: Sendable, Hashable, CustomStringConvertible {
        /// Since the network's beginning.
        public let time: Duration
        public let event: Event
        public let source: SimulatedAddress
        public let destination: SimulatedAddress
        public let bytes: Int
        public let ecn: ECNMark

        public var description: String {
            "\(time) \(event.rawValue): \(source) → \(destination), \(bytes) bytes, ECN \(ecn.rawValue)"
        }
    }

    /// How many entries are kept; older ones give way.
    public let capacity: Int
    /// How many entries there have been.
    public private(set) var count = 0
    /// Of all entries, those that have given way included, and of the payloads unless they are left out: equal for equal
    /// runs.
    public private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325
    private var ring: [Entry] = []

    /// Whether payloads are part of ``digest``.
    private let coversPayloads: Bool

    init(capacity: Int, coversPayloads: Bool = true) {
        self.capacity = max(capacity, 0)
        self.coversPayloads = coversPayloads
    }

    /// The entries that are kept, the oldest first.
    public var entries: [Entry] {
        guard ring.count == capacity, capacity > 0 else { return ring }
        let oldest = count % capacity
        return Array(ring[oldest...] + ring[..<oldest])
    }

    /// The last `limit` entries, one a line.
    public func text(last limit: Int = 100) -> String {
        entries.suffix(max(limit, 0)).map(\.description).joined(separator: "\n")
    }

    mutating func append(_ event: Event, _ datagram: SimulatedDatagram, at nanoseconds: Int64) {
        mix(UInt64(bitPattern: nanoseconds))
        mix(UInt64(event.rawValue.utf8.reduce(0) { $0 &* 31 &+ Int($1) }))
        mix(UInt64(datagram.source.host) << 16 | UInt64(datagram.source.port))
        mix(UInt64(datagram.destination.host) << 16 | UInt64(datagram.destination.port))
        mix(UInt64(datagram.payload.count) << 2 | UInt64(datagram.ecn.rawValue))
        if coversPayloads { mixPayload(of: datagram) }
        let entry = Entry(
            time: .nanoseconds(nanoseconds), event: event, source: datagram.source, destination: datagram.destination,
            bytes: datagram.payload.count, ecn: datagram.ecn)
        if ring.count < capacity {
            ring.append(entry)
        } else if capacity > 0 {
            ring[count % capacity] = entry
        }
        count += 1
    }

    /// A word at a time, as payloads are most of the work.
    private mutating func mixPayload(of datagram: SimulatedDatagram) {
        unsafe datagram.payload.withUnsafeBytes { bytes in
            let words = bytes.count / 8
            for index in 0..<words { mix(unsafe bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)) }
            for index in words * 8..<bytes.count { mix(UInt64(unsafe bytes[index])) }
        }
    }

    /// FNV-1a, a word at a time.
    private mutating func mix(_ word: UInt64) { digest = (digest ^ word) &* 0x100_0000_01b3 }
}
