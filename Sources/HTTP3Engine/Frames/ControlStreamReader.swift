/// The frames of the peer's control stream (RFC 9114 §6.2.1 and §7.2), collected from bytes as they come.
struct ControlStreamReader {
    enum Frame {
        case settings(Settings)
        case goAway(UInt64)
        case maxPushID(UInt64)
        case cancelPush
        /// PRIORITY_UPDATE for a request stream (RFC 9218 §7.2).
        case priorityUpdate(stream: UInt64)
        case priorityUpdatePush
    }

    private var header = FrameHeaderReader()
    private var isInFrame = false
    private var type: UInt64 = 0
    private var left: UInt64 = 0
    private var payload: [UInt8] = []
    private var hasSettings = false

    /// Reads up to the next frame that matters; nil when the bytes are used up.
    mutating func next(
        _ bytes: RawSpan, at offset: inout Int, maxFrameBytes: Int
    ) throws(HTTP3Error) -> Frame? {
        while true {
            if !isInFrame {
                guard let (type, length) = header.read(bytes, at: &offset) else { return nil }
                try begin(type, length, maxFrameBytes: maxFrameBytes)
            }
            let count = Int(min(UInt64(bytes.byteCount - offset), left))
            if isKnown(type) {
                unsafe bytes.extracting(offset..<offset + count).withUnsafeBytes { part in
                    unsafe payload.append(contentsOf: part)
                }
            }
            offset += count
            left -= UInt64(count)
            guard left == 0 else { return nil }
            isInFrame = false
            guard isKnown(type) else { continue }
            let frame = try decode()
            payload.removeAll(keepingCapacity: true)
            return frame
        }
    }

    private func isKnown(_ type: UInt64) -> Bool {
        switch type {
        case FrameType.settings, FrameType.goAway, FrameType.maxPushID, FrameType.cancelPush,
            FrameType.priorityUpdate, FrameType.priorityUpdatePush:
            true
        default: false
        }
    }

    private mutating func begin(_ type: UInt64, _ length: UInt64, maxFrameBytes: Int) throws(HTTP3Error) {
        guard hasSettings || type == FrameType.settings else {
            throw HTTP3Error(.missingSettings, "the control stream does not begin with SETTINGS")
        }
        if type == FrameType.settings, hasSettings { throw HTTP3Error(.frameUnexpected, "a second SETTINGS frame") }
        if type == FrameType.data || type == FrameType.headers || type == FrameType.pushPromise
            || FrameType.isReserved(type)
        {
            throw HTTP3Error(.frameUnexpected, "frame 0x\(String(type, radix: 16)) on the control stream")
        }
        if isKnown(type), length > UInt64(maxFrameBytes) {
            throw HTTP3Error(.excessiveLoad, "a frame of \(length) bytes on the control stream")
        }
        hasSettings = true
        self.type = type
        left = length
        isInFrame = true
    }

    private func decode() throws(HTTP3Error) -> Frame {
        let bytes = unsafe payload.span.bytes
        if type == FrameType.settings { return .settings(try Settings.decode(bytes)) }
        guard let (value, length) = VariableInteger.read(bytes, at: 0) else {
            throw HTTP3Error(.frameError, "a frame of the control stream is too short")
        }
        if type == FrameType.priorityUpdate { return .priorityUpdate(stream: value) }
        if type == FrameType.priorityUpdatePush { return .priorityUpdatePush }
        guard length == bytes.byteCount else {
            throw HTTP3Error(.frameError, "a frame of the control stream is too long")
        }
        switch type {
        case FrameType.goAway: return .goAway(value)
        case FrameType.maxPushID: return .maxPushID(value)
        default: return .cancelPush
        }
    }
}
