internal import NodeTransport

/// What one stream has to send: bytes stay at their address until the peer has acknowledged them.
///
/// Small pieces are copied into a block that belongs to the stream and begins anew whenever everything has been
/// acknowledged; larger ones are retained.
@safe
struct SendBuffer: ~Copyable {
    @safe
    private struct Segment {
        var pointer: UnsafeRawPointer
        var count: Int
        /// Holds the memory; empty for bytes of the stream's own block.
        var owner: Bytes
    }

    private let blockBytes: Int
    /// Up to here copying is cheaper than a segment of its own.
    private static let longestCopyBytes = 256

    // Owned; allocated with the first small piece.
    private var block: UnsafeMutableRawPointer?
    private var blockUsed = 0

    private var segments: [Segment] = []
    /// The first segment that is not wholly acknowledged, and what of it is.
    private var head = 0
    private var headOffset = 0
    /// Where sending goes on. It stays within the last segment when that is sent, which may grow.
    private var cursor = 0
    private var cursorOffset = 0

    /// What has not been handed out yet.
    private(set) var unsentBytes = 0
    /// What is kept: unsent or not acknowledged.
    private(set) var keptBytes = 0
    /// Nothing follows what is here.
    private(set) var isEnded = false
    /// The end has been handed out.
    private(set) var isEndSent = false

    /// - Parameter blockBytes: how much room there is for small pieces; more of them take memory of their own.
    init(blockBytes: Int = 512) { self.blockBytes = blockBytes }

    deinit { unsafe block?.deallocate() }

    /// Whether bytes or the end are to be sent.
    var hasOutput: Bool { unsentBytes > 0 || isEnded && !isEndSent }

    // MARK: Adding

    /// Adds `count` bytes that `fill` writes.
    mutating func append(count: Int, _ fill: (UnsafeMutableRawPointer) -> Void) {
        guard count > 0 else { return }
        if unsafe blockUsed == 0 && block == nil {
            unsafe block = .allocate(byteCount: blockBytes, alignment: 16)
        }
        if let block = unsafe block, count <= blockBytes - blockUsed {
            let start = unsafe block + blockUsed
            unsafe fill(start)
            blockUsed += count
            unsafe add(start, count)
            return
        }
        var builder = BytesBuilder(capacity: count)
        unsafe builder.append(byteCount: count) { room in
            guard let start = room.baseAddress else { return 0 }
            unsafe fill(start)
            return count
        }
        add(retained: builder.finish())
    }

    /// Adds `bytes`, without a copy when they are many.
    mutating func append(_ bytes: Bytes) {
        guard !bytes.isEmpty else { return }
        guard bytes.count <= Self.longestCopyBytes, bytes.count <= blockBytes - blockUsed else {
            return add(retained: bytes)
        }
        unsafe append(count: bytes.count) { target in
            unsafe bytes.withUnsafeBytes { source in
                guard let start = source.baseAddress else { return }
                unsafe target.copyMemory(from: start, byteCount: source.count)
            }
        }
    }

    /// Nothing follows.
    mutating func end() { isEnded = true }

    private mutating func add(_ start: UnsafeRawPointer, _ count: Int) {
        unsentBytes += count
        keptBytes += count
        let last = segments.count - 1
        if last >= head, segments[last].owner.isEmpty, unsafe segments[last].pointer + segments[last].count == start {
            segments[last].count += count
        } else {
            unsafe segments.append(Segment(pointer: start, count: count, owner: Bytes()))
        }
    }

    private mutating func add(retained bytes: Bytes) {
        unsentBytes += bytes.count
        keptBytes += bytes.count
        // Sound: the bytes do not move, and the segment keeps them alive.
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            unsafe segments.append(Segment(pointer: start, count: source.count, owner: bytes))
        }
    }

    // MARK: Sending

    /// Lends what is to be sent next: the segments that were set, their bytes, and whether the end comes with them.
    func gather(
        into output: UnsafeMutableBufferPointer<OutputSegment>
    ) -> (segmentCount: Int, byteCount: Int, isFinal: Bool) {
        var filled = 0
        var byteCount = 0
        var position = cursor
        var offset = cursorOffset
        while unsentBytes > byteCount, filled < output.count, position < segments.count {
            let segment = segments[position]
            if offset < segment.count {
                unsafe output[filled] = OutputSegment(pointer: segment.pointer + offset, count: segment.count - offset)
                filled += 1
                byteCount += segment.count - offset
            }
            position += 1
            offset = 0
        }
        return (filled, byteCount, isEnded && byteCount == unsentBytes)
    }

    /// So many bytes were taken; `endTaken` with the stream's end.
    mutating func advance(_ byteCount: Int, endTaken: Bool) {
        var left = min(max(byteCount, 0), unsentBytes)
        unsentBytes -= left
        while left > 0, cursor < segments.count {
            let step = min(left, segments[cursor].count - cursorOffset)
            cursorOffset += step
            left -= step
            if cursorOffset == segments[cursor].count, cursor + 1 < segments.count {
                cursor += 1
                cursorOffset = 0
            }
        }
        if endTaken, isEnded, unsentBytes == 0 { isEndSent = true }
    }

    /// The peer has acknowledged the next `byteCount` bytes of the stream.
    mutating func acknowledge(_ byteCount: Int) {
        var left = min(max(byteCount, 0), keptBytes - unsentBytes)
        keptBytes -= left
        while left > 0, head < segments.count {
            let step = min(left, segments[head].count - headOffset)
            headOffset += step
            left -= step
            guard headOffset == segments[head].count, head < cursor || keptBytes == 0 else { continue }
            segments[head].owner = Bytes()
            head += 1
            headOffset = 0
        }
        if keptBytes == 0 {
            rewind()
        } else if head >= 32, head * 2 >= segments.count {
            segments.removeFirst(head)
            cursor -= head
            head = 0
        }
    }

    private mutating func rewind() {
        segments.removeAll(keepingCapacity: true)
        (head, headOffset, cursor, cursorOffset, blockUsed) = (0, 0, 0, 0, 0)
    }

    /// Sends nothing further. What was handed out stays until ``reset()``.
    mutating func dropUnsent() {
        keptBytes -= unsentBytes
        unsentBytes = 0
        isEnded = true
        isEndSent = true
    }

    /// Empty again, for another stream.
    mutating func reset() {
        rewind()
        (unsentBytes, keptBytes, isEnded, isEndSent) = (0, 0, false, false)
    }
}
