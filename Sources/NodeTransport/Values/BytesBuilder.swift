/// Writes a run of bytes once and hands it out as ``Bytes`` without a copy.
public struct BytesBuilder: ~Copyable {
    @usableFromInline var slab: Slab
    @usableFromInline var room: Int
    @usableFromInline var written: Int

    /// An empty builder with room for `capacity` bytes; it grows when more are written.
    @inlinable
    public init(capacity: Int = 0) {
        room = max(capacity, 16)
        slab = Slab.make(capacity: room)
        written = 0
    }

    /// How many bytes have been written.
    @inlinable
    public var count: Int { written }

    /// How many bytes fit before the next growth.
    @inlinable
    public var remainingCapacity: Int { room - count }

    /// Appends a copy of `source`.
    @inlinable
    public mutating func append(_ source: Bytes) {
        unsafe source.withUnsafeBytes { unsafe append($0) }
    }

    /// Appends one byte.
    @inlinable
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe slab.base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        written += 1
    }

    /// Appends `value` in network byte order (big-endian).
    @inlinable
    public mutating func append<Value: FixedWidthInteger>(bigEndian value: Value) {
        unsafe Swift.withUnsafeBytes(of: value.bigEndian) { unsafe append($0) }
    }

    /// Appends a copy of the bytes of `source`.
    @inlinable
    public mutating func append(contentsOf source: some Sequence<UInt8>) {
        let isDone: Void? = source.withContiguousStorageIfAvailable { unsafe append(UnsafeRawBufferPointer($0)) }
        if isDone == nil {
            for byte in source { append(byte) }
        }
    }

    /// Appends a copy of `source`.
    @unsafe
    @inlinable
    public mutating func append(_ source: UnsafeRawBufferPointer) {
        guard let address = source.baseAddress, source.count > 0 else { return }
        reserve(source.count)
        unsafe (slab.base + count).copyMemory(from: address, byteCount: source.count)
        written += source.count
    }

    /// Lends room for `byteCount` bytes behind what is written; `body` returns how many it filled.
    ///
    /// - Precondition: `body` returns a number within `0...byteCount`.
    @unsafe
    @inlinable
    public mutating func append<Failure: Error>(
        byteCount: Int,
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        reserve(byteCount)
        let filled = try unsafe body(UnsafeMutableRawBufferPointer(start: slab.base + count, count: byteCount))
        precondition(filled >= 0 && filled <= byteCount, "more bytes reported than lent")
        written += filled
    }

    /// What was written. The builder is used up.
    @inlinable
    public consuming func finish() -> Bytes {
        precondition(count <= Int(UInt32.max), "a Bytes value holds at most 4 GiB − 1 bytes")
        return count == 0 ? Bytes() : Bytes(slab: slab, start: 0, length: UInt32(truncatingIfNeeded: count))
    }

    @inlinable
    mutating func reserve(_ more: Int) {
        guard more > room - written else { return }
        grow(by: more)
    }

    @usableFromInline
    mutating func grow(by more: Int) {
        room = max(room * 2, count + more)
        let larger = Slab.make(capacity: room)
        unsafe larger.base.copyMemory(from: slab.base, byteCount: count)
        slab = larger
    }
}
