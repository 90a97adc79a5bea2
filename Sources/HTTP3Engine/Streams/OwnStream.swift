/// One of the unidirectional streams that this side opened: control, QPACK encoder, QPACK decoder.
struct OwnStream: ~Copyable {
    var id: Int64 = -1
    /// It has little to send, and every connection keeps three of these.
    var output = SendBuffer(blockBytes: 128)
    var isBlocked = false

    init() {}

    var wantsTurn: Bool { output.unsentBytes > 0 && !isBlocked }
}

/// A unidirectional stream that the peer opened.
enum PeerStream {
    /// Its type is not complete.
    case unidentified(value: UInt64, count: Int, length: Int)
    case control
    case qpackEncoder
    case qpackDecoder
    /// A type that this side does not know; what comes is dropped.
    case ignored

    var isCritical: Bool {
        switch self {
        case .control, .qpackEncoder, .qpackDecoder: true
        case .unidentified, .ignored: false
        }
    }
}
