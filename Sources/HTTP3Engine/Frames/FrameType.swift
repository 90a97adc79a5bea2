/// The frame types of RFC 9114 §7.2 and RFC 9218 §7, and which stream they belong to.
enum FrameType {
    static let data: UInt64 = 0x0
    static let headers: UInt64 = 0x1
    static let cancelPush: UInt64 = 0x3
    static let settings: UInt64 = 0x4
    static let pushPromise: UInt64 = 0x5
    static let goAway: UInt64 = 0x7
    static let maxPushID: UInt64 = 0xd
    static let priorityUpdate: UInt64 = 0xf0700
    static let priorityUpdatePush: UInt64 = 0xf0701

    /// The types of HTTP/2 that must never come (RFC 9114 §7.2.8).
    static func isReserved(_ type: UInt64) -> Bool { type == 0x2 || type == 0x6 || type == 0x8 || type == 0x9 }

    /// Whether a frame of that type on a request stream is an error of the connection.
    static func isForbiddenOnRequests(_ type: UInt64) -> Bool {
        switch type {
        case cancelPush, settings, goAway, maxPushID, priorityUpdate, priorityUpdatePush: true
        default: isReserved(type)
        }
    }
}

/// The types of unidirectional streams (RFC 9114 §6.2, RFC 9204 §4.2).
enum StreamType {
    static let control: UInt64 = 0x0
    static let push: UInt64 = 0x1
    static let qpackEncoder: UInt64 = 0x2
    static let qpackDecoder: UInt64 = 0x3
}

/// A type and a length, collected from bytes that may come one at a time (RFC 9114 §7.1).
struct FrameHeaderReader {
    private var partial: (UInt64, UInt64) = (0, 0)
    private(set) var partialCount = 0

    /// Reads a frame's header from `offset` on. Nil when it is not complete; then all bytes have been taken.
    mutating func read(_ bytes: RawSpan, at offset: inout Int) -> (type: UInt64, length: UInt64)? {
        if partialCount == 0 {
            guard let (type, typeLength) = VariableInteger.read(bytes, at: offset),
                let (length, lengthLength) = VariableInteger.read(bytes, at: offset + typeLength)
            else {
                while offset < bytes.byteCount { take(bytes.byte(offset), &offset) }
                return nil
            }
            offset += typeLength + lengthLength
            return (type, length)
        }
        while offset < bytes.byteCount {
            take(bytes.byte(offset), &offset)
            if let header = complete() {
                partialCount = 0
                return header
            }
        }
        return nil
    }

    /// At most 15 bytes are ever kept: 16 are always a complete header.
    private mutating func take(_ byte: UInt8, _ offset: inout Int) {
        let shift = UInt64((7 - partialCount & 7) * 8)
        if partialCount & 7 == 0 {
            if partialCount == 0 { partial = (0, 0) }
        }
        if partialCount < 8 { partial.0 |= UInt64(byte) << shift } else { partial.1 |= UInt64(byte) << shift }
        partialCount += 1
        offset += 1
    }

    private func complete() -> (type: UInt64, length: UInt64)? {
        let bytes = [partial.0.bigEndian, partial.1.bigEndian]
        let span = unsafe bytes.span.bytes.extracting(0..<partialCount)
        guard let (type, typeLength) = VariableInteger.read(span, at: 0),
            let (length, _) = VariableInteger.read(span, at: typeLength)
        else { return nil }
        return (type, length)
    }
}
