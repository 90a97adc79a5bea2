#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// An immutable, reference-counted run of bytes.
///
/// Copying a value and taking a slice cost one retain and share the memory. That is what messages
/// and fragments are made of on every transport: bytes that came off a socket reach the handler
/// without a further copy.
///
/// A value holds at most 4 GiB − 1 bytes.
public struct Bytes: Sendable {
    // Sound: a slab that a `Bytes` refers to is never written again.
    @usableFromInline nonisolated(unsafe) let slab: Slab?
    @usableFromInline let start: UInt32
    @usableFromInline let length: UInt32

    @inlinable
    init(slab: Slab?, start: UInt32, length: UInt32) {
        unsafe self.slab = slab
        self.start = start
        self.length = length
    }

    /// No bytes; does not allocate.
    @inlinable
    public init() {
        self.init(slab: nil, start: 0, length: 0)
    }

    /// A copy of `source`.
    ///
    /// - Precondition: `source` has at most 4 GiB − 1 bytes.
    @inlinable
    public init(_ source: some Sequence<UInt8>) {
        let copied: Bytes? = source.withContiguousStorageIfAvailable { buffer in
            unsafe Bytes(copying: UnsafeRawBufferPointer(buffer))
        }
        if let copied {
            self = copied
        } else {
            self.init(Array(source))
        }
    }

    /// The UTF-8 of `text`.
    @inlinable
    public init(utf8 text: some StringProtocol) {
        self.init(text.utf8)
    }

    /// A copy of the bytes of `span`.
    @inlinable
    public init(copying span: RawSpan) {
        self = unsafe span.withUnsafeBytes { unsafe Bytes(copying: $0) }
    }

    /// A copy of `source`.
    @unsafe
    @inlinable
    public init(copying source: UnsafeRawBufferPointer) {
        guard let address = source.baseAddress, source.count > 0 else {
            self.init()
            return
        }
        precondition(source.count <= Int(UInt32.max), "a Bytes value holds at most 4 GiB − 1 bytes")
        let slab = Slab.make(capacity: source.count)
        unsafe slab.base.copyMemory(from: address, byteCount: source.count)
        self.init(slab: slab, start: 0, length: UInt32(truncatingIfNeeded: source.count))
    }

    /// How many bytes there are.
    @inlinable
    public var count: Int { Int(length) }

    /// Whether there are none.
    @inlinable
    public var isEmpty: Bool { length == 0 }

    /// The bytes, borrowed for as long as this value is.
    @inlinable
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            guard let slab = unsafe slab else { return unsafe _overrideLifetime(RawSpan(), borrowing: self) }
            let pointer = unsafe UnsafeRawPointer(slab.base) + Int(start)
            let span = unsafe RawSpan(_unsafeStart: pointer, byteCount: Int(length))
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Calls `body` with the bytes; the pointer is valid during the call only.
    @inlinable
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let slab = unsafe slab else { return try unsafe body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        defer { withExtendedLifetime(slab) {} }
        let pointer = unsafe UnsafeRawPointer(slab.base) + Int(start)
        return try unsafe body(UnsafeRawBufferPointer(start: pointer, count: Int(length)))
    }

    /// The bytes of `range`, sharing this value's memory.
    ///
    /// - Precondition: `range` lies within `0..<count`.
    @inlinable
    public func slice(_ range: Range<Int>) -> Bytes {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice out of bounds")
        if range.isEmpty { return Bytes() }
        return Bytes(
            slab: unsafe slab,
            start: start + UInt32(truncatingIfNeeded: range.lowerBound),
            length: UInt32(truncatingIfNeeded: range.count)
        )
    }
}

extension Bytes: RandomAccessCollection {
    @inlinable public var startIndex: Int { 0 }
    @inlinable public var endIndex: Int { count }

    /// The byte at `position`.
    ///
    /// - Precondition: `position` lies within `0..<count`.
    @inlinable
    public subscript(position: Int) -> UInt8 {
        precondition(position >= 0 && position < count, "index out of bounds")
        return unsafe withUnsafeBytes { unsafe $0[position] }
    }

    @inlinable
    public subscript(range: Range<Int>) -> Bytes { slice(range) }

    @inlinable
    public func withContiguousStorageIfAvailable<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result? {
        try unsafe withUnsafeBytes { try unsafe body($0.assumingMemoryBound(to: UInt8.self)) }
    }
}

extension Bytes: Hashable {
    public static func == (left: Bytes, right: Bytes) -> Bool {
        guard left.length == right.length else { return false }
        if unsafe left.slab === right.slab && left.start == right.start { return true }
        return unsafe left.withUnsafeBytes { l in
            unsafe right.withUnsafeBytes { r in
                guard let l = l.baseAddress, let r = r.baseAddress else { return true }
                return unsafe memcmp(l, r, left.count) == 0
            }
        }
    }

    @inlinable
    public func hash(into hasher: inout Hasher) {
        hasher.combine(length)
        unsafe withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}

extension Bytes: ExpressibleByArrayLiteral {
    @inlinable
    public init(arrayLiteral elements: UInt8...) { self.init(elements) }
}

extension Bytes: CustomStringConvertible {
    /// The count and the first 16 bytes in hexadecimal.
    public var description: String {
        let digits = Array("0123456789abcdef")
        let head = prefix(16).map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }.joined()
        return "\(count) bytes: \(head)\(count > 16 ? "…" : "")"
    }
}
