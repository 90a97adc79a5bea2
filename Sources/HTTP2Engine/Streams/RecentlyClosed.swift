/// The last streams that are gone, and how: late frames on them are treated accordingly (RFC 9113 §5.1).
struct RecentlyClosed: ~Copyable {
    enum Ending {
        /// This side reset it: the peer may not have known when it sent the frame.
        case resetHere
        /// The peer ended or reset it: it must send nothing more.
        case endedByPeer
    }

    private static let capacity = 256
    /// The identifier, shifted left by one, plus 1 when it was reset here.
    private var ring: [UInt32] = []
    private var next = 0

    mutating func insert(_ id: UInt32, _ ending: Ending) {
        let entry = id << 1 | (ending == .resetHere ? 1 : 0)
        if ring.count < Self.capacity {
            ring.append(entry)
        } else {
            ring[next] = entry
            next = (next + 1) % Self.capacity
        }
    }

    /// How the stream ended, or nil when it is forgotten or never was.
    func ending(of id: UInt32) -> Ending? {
        for entry in ring where entry >> 1 == id { return entry & 1 == 1 ? .resetHere : .endedByPeer }
        return nil
    }
}
