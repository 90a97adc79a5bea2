/// The kind of a frame (RFC 9113 §6); any number may arrive.
struct FrameType: Hashable, RawRepresentable {
    let rawValue: UInt8

    static let data = Self(rawValue: 0)
    static let headers = Self(rawValue: 1)
    static let priority = Self(rawValue: 2)
    static let resetStream = Self(rawValue: 3)
    static let settings = Self(rawValue: 4)
    static let pushPromise = Self(rawValue: 5)
    static let ping = Self(rawValue: 6)
    static let goAway = Self(rawValue: 7)
    static let windowUpdate = Self(rawValue: 8)
    static let continuation = Self(rawValue: 9)

    /// Whether RFC 9113 defines it; others are skipped.
    var isKnown: Bool { rawValue <= Self.continuation.rawValue }
}

/// The flags of a frame; what a bit means depends on the frame's type.
struct FrameFlags: OptionSet {
    let rawValue: UInt8

    static let acknowledge = Self(rawValue: 0x1)
    static let endStream = Self(rawValue: 0x1)
    static let endHeaders = Self(rawValue: 0x4)
    static let padded = Self(rawValue: 0x8)
    static let priority = Self(rawValue: 0x20)
}

/// The 9 bytes in front of every frame (RFC 9113 §4.1).
struct FrameHeader {
    static let byteCount = 9

    /// The length of the payload, below 2^24.
    var length: Int
    var type: FrameType
    var flags: FrameFlags
    /// The stream's identifier without the reserved bit.
    var stream: UInt32

    init(length: Int, type: FrameType, flags: FrameFlags, stream: UInt32) {
        self.length = length
        self.type = type
        self.flags = flags
        self.stream = stream
    }

    /// Reads the header at `offset`, where 9 bytes are.
    @inline(__always)
    init(_ bytes: RawSpan, at offset: Int) {
        let lengthAndType = bytes.bigEndian(offset, as: UInt32.self)
        length = Int(lengthAndType >> 8)
        type = FrameType(rawValue: UInt8(truncatingIfNeeded: lengthAndType))
        flags = FrameFlags(rawValue: bytes.byte(offset + 4))
        stream = bytes.bigEndian(offset + 5, as: UInt32.self) & 0x7fff_ffff
    }
}

/// The parameters of SETTINGS this engine knows (RFC 9113 §6.5.2).
enum SettingID {
    static let headerTableSize: UInt16 = 1
    static let enablePush: UInt16 = 2
    static let maxConcurrentStreams: UInt16 = 3
    static let initialWindowSize: UInt16 = 4
    static let maxFrameSize: UInt16 = 5
    static let maxHeaderListSize: UInt16 = 6
}
