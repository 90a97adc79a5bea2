public import NodeTransport
public import SwiftProtobuf

/// Lets SwiftProtobuf read messages from ``/NodeTransport/Bytes`` in place.
extension Bytes: SwiftProtobufContiguousBytes {
    /// `count` times the byte `value`.
    public init(repeating value: UInt8, count: Int) {
        var builder = BytesBuilder(capacity: count)
        unsafe builder.append(byteCount: count) { room in
            unsafe room.initializeMemory(as: UInt8.self, repeating: value)
            return count
        }
        self = builder.finish()
    }

    /// Lends a copy of the bytes to `body`, which then takes their place: others may share the old ones.
    public mutating func withUnsafeMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        guard !isEmpty else { return try unsafe withEmptyRoom(body) }
        var builder = BytesBuilder(capacity: count)
        builder.append(self)
        let copy = builder.finish()
        // Sound: nobody else has seen the copy.
        let result = try unsafe copy.withUnsafeBytes { try unsafe body(UnsafeMutableRawBufferPointer(mutating: $0)) }
        self = copy
        return result
    }
}

/// Where SwiftProtobuf writes a message: the memory of the ``/NodeTransport/Bytes`` that is sent, without a copy.
struct MessageOutput: SwiftProtobufContiguousBytes {
    /// What was written.
    private(set) var bytes: Bytes

    init(repeating value: UInt8, count: Int) { bytes = Bytes(repeating: value, count: count) }

    init<Source: Sequence>(_ source: Source) where Source.Element == UInt8 {
        // A copy even if `source` is itself a `Bytes`, because the memory is written to below.
        bytes = Bytes(Array(source))
    }

    var count: Int { bytes.count }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try unsafe bytes.withUnsafeBytes(body)
    }

    mutating func withUnsafeMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        guard count > 0 else { return try unsafe withEmptyRoom(body) }
        // Sound: the memory was made by this value, and it is handed out only when the message is complete.
        return try unsafe bytes.withUnsafeBytes { try unsafe body(UnsafeMutableRawBufferPointer(mutating: $0)) }
    }
}

/// Lends no bytes, but at an address: SwiftProtobuf's encoder traps without one.
private func withEmptyRoom<Result>(_ body: (UnsafeMutableRawBufferPointer) throws -> Result) rethrows -> Result {
    try unsafe withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { room in
        try unsafe body(UnsafeMutableRawBufferPointer(rebasing: room[0..<0]))
    }
}
