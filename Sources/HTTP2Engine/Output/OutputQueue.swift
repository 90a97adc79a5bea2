internal import NodeTransport

/// Bytes to be written: one contiguous buffer, into which large payloads are spliced by reference.
///
/// Offsets into the buffer are counted from the beginning of the connection, so that they stay valid
/// when written bytes are dropped from its front.
@safe
package struct OutputQueue: ~Copyable {
    /// A payload that is sent from its own memory, in front of the buffered byte at `offset`.
    private struct Splice {
        let offset: Int
        var payload: Bytes
    }

    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    /// The positions in `base` of the first unwritten byte and behind the last.
    private var head = 0
    private var tail = 0
    /// The offset of the first byte of `base`.
    private var origin = 0
    private var splices: [Splice] = []
    private var firstSplice = 0
    private var spliceBytes = 0

    /// How many bytes have left the queue so far.
    private(set) var writtenBytes = 0

    /// Payloads from this size on are spliced instead of copied.
    static let spliceThreshold = 4096

    /// A buffer above this size is given back when it is empty.
    private static let keptCapacity = 64 << 10

    package init() { unsafe base = nil }

    deinit { unsafe base?.deallocate() }

    /// How many bytes wait.
    var count: Int { tail - head + spliceBytes }

    var isEmpty: Bool { count == 0 }

    /// The offset at which the next byte is going to be.
    var endOffset: Int { origin + tail }

    // MARK: Appending

    mutating func append(_ byte: UInt8) {
        let room = unsafe reserve(1)
        unsafe room.storeBytes(of: byte, as: UInt8.self)
        tail += 1
    }

    mutating func append(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe append($0) }
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        unsafe reserve(bytes.count).copyMemory(from: source, byteCount: bytes.count)
        tail += bytes.count
    }

    mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(bigEndian value: Value) {
        unsafe reserve(MemoryLayout<Value>.size).storeBytes(of: value.bigEndian, as: Value.self)
        tail += MemoryLayout<Value>.size
    }

    /// Appends a frame header of 9 bytes.
    mutating func appendFrameHeader(length: Int, type: FrameType, flags: FrameFlags, stream: UInt32) {
        unsafe store(FrameHeader(length: length, type: type, flags: flags, stream: stream), at: reserve(9))
        tail += 9
    }

    /// Writes a frame header over the 9 bytes at `offset`, which have been appended since the last write.
    mutating func overwriteFrameHeader(
        at offset: Int, length: Int, type: FrameType, flags: FrameFlags, stream: UInt32
    ) {
        let position = offset - origin
        precondition(position >= head && position + 9 <= tail, "the frame header is not in the queue")
        guard let base = unsafe base else { return }
        unsafe store(
            FrameHeader(length: length, type: type, flags: flags, stream: stream), at: base + position
        )
    }

    /// Appends one DATA frame: up to 8 bytes of `prefix`, high byte first, then the bytes of `payload`.
    mutating func appendData(
        stream: UInt32, endStream: Bool, prefix: UInt64, prefixCount: Int, payload: Bytes, range: Range<Int>
    ) {
        let isSpliced = range.count >= Self.spliceThreshold
        let inline = isSpliced ? 0 : range.count
        let room = unsafe reserve(9 + 8 + inline)
        let header = FrameHeader(
            length: prefixCount + range.count, type: .data, flags: endStream ? .endStream : [], stream: stream
        )
        unsafe store(header, at: room)
        unsafe (room + 9).storeBytes(of: prefix.bigEndian, as: UInt64.self)
        tail += 9 + prefixCount
        if isSpliced {
            splices.append(Splice(offset: endOffset, payload: payload.slice(range)))
            spliceBytes += range.count
        } else if inline > 0 {
            unsafe payload.withUnsafeBytes { bytes in
                let source = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
                guard let address = source.baseAddress else { return }
                unsafe (room + 9 + prefixCount).copyMemory(from: address, byteCount: inline)
            }
            tail += inline
        }
    }

    /// Up to 16 bytes that have been appended from `offset` on, the first one lowest; nil when there are more.
    func bytes(from offset: Int) -> EncodedBlocks.Bytes? {
        let position = offset - origin
        let count = tail - position
        guard let base = unsafe base, position >= head, count >= 0, count <= 16 else { return nil }
        var bytes = EncodedBlocks.Bytes(count: count)
        unsafe withUnsafeMutableBytes(of: &bytes.storage) { storage in
            unsafe storage.copyMemory(from: UnsafeRawBufferPointer(start: base + position, count: count))
        }
        return bytes
    }

    mutating func append(_ bytes: EncodedBlocks.Bytes) {
        unsafe reserve(16).storeBytes(of: bytes.storage, as: SIMD16<UInt8>.self)
        tail += bytes.count
    }

    /// Takes back what has been appended from `offset` on; nothing was spliced behind it.
    mutating func takeBack(from offset: Int) -> [UInt8] {
        let position = offset - origin
        precondition(position >= head && position <= tail, "the bytes are not in the queue")
        guard let base = unsafe base else { return [] }
        let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: base + position, count: tail - position))
        tail = position
        return bytes
    }

    private func store(_ header: FrameHeader, at address: UnsafeMutableRawPointer) {
        let lengthAndType = UInt32(truncatingIfNeeded: header.length) << 8 | UInt32(header.type.rawValue)
        unsafe address.storeBytes(of: lengthAndType.bigEndian, as: UInt32.self)
        unsafe address.storeBytes(of: header.flags.rawValue, toByteOffset: 4, as: UInt8.self)
        unsafe address.storeBytes(of: header.stream.bigEndian, toByteOffset: 5, as: UInt32.self)
    }

    /// Makes room for `more` bytes behind the last and returns where it begins.
    @discardableResult
    @inline(__always)
    mutating func reserve(_ more: Int) -> UnsafeMutableRawPointer {
        if let base = unsafe base, more <= capacity - tail { return unsafe base + tail }
        return unsafe grow(more)
    }

    @inline(never)
    private mutating func grow(_ more: Int) -> UnsafeMutableRawPointer {
        let used = tail - head
        let start: UnsafeMutableRawPointer
        if let base = unsafe base, head >= capacity / 2, more <= capacity - used {
            unsafe base.copyMemory(from: base + head, byteCount: used)
            unsafe start = base
        } else {
            let largerCapacity = max(512, capacity * 2, used + more)
            let larger = UnsafeMutableRawPointer.allocate(byteCount: largerCapacity, alignment: 16)
            if let base = unsafe base {
                unsafe larger.copyMemory(from: base + head, byteCount: used)
                unsafe base.deallocate()
            }
            unsafe base = larger
            capacity = largerCapacity
            unsafe start = larger
        }
        origin += head
        head = 0
        tail = used
        return unsafe start + tail
    }

    // MARK: Writing

    /// Lends up to 64 segments from the front to `body`, which returns how many bytes it wrote; they are dropped.
    package mutating func withSegments(_ body: (UnsafeBufferPointer<OutputSegment>) -> Int) {
        guard count > 0, let base = unsafe base else { return }
        let maxSegments = 64
        let written = unsafe withUnsafeTemporaryAllocation(of: OutputSegment.self, capacity: maxSegments) { segments in
            var filled = 0
            var position = head
            var next = firstSplice
            while filled < maxSegments {
                let stop = next < splices.count ? splices[next].offset - origin : tail
                if stop > position {
                    let segment = unsafe OutputSegment(
                        pointer: UnsafeRawPointer(base) + position, count: stop - position)
                    unsafe segments.initializeElement(at: filled, to: segment)
                    filled += 1
                    position = stop
                } else if next < splices.count {
                    // Sound: the bytes stay where they are while `splices` refers to them.
                    let segment = unsafe splices[next].payload.withUnsafeBytes { bytes in
                        unsafe OutputSegment(pointer: bytes.baseAddress.unsafelyUnwrapped, count: bytes.count)
                    }
                    unsafe segments.initializeElement(at: filled, to: segment)
                    filled += 1
                    next += 1
                } else {
                    break
                }
            }
            return unsafe body(UnsafeBufferPointer(rebasing: segments[0..<filled]))
        }
        drop(min(max(written, 0), count))
    }

    private mutating func drop(_ byteCount: Int) {
        var rest = byteCount
        writtenBytes += byteCount
        while rest > 0 {
            let hasSplice = firstSplice < splices.count
            let stop = hasSplice ? splices[firstSplice].offset - origin : tail
            if stop > head {
                let step = min(rest, stop - head)
                head += step
                rest -= step
            } else if hasSplice {
                let payload = splices[firstSplice].payload
                let step = min(rest, payload.count)
                rest -= step
                spliceBytes -= step
                if step == payload.count {
                    splices[firstSplice].payload = Bytes()
                    firstSplice += 1
                } else {
                    splices[firstSplice].payload = payload.slice(step..<payload.count)
                }
            } else {
                break
            }
        }
        if isEmpty {
            splices.removeAll(keepingCapacity: true)
            firstSplice = 0
            origin += tail
            head = 0
            tail = 0
            if capacity > Self.keptCapacity { releaseSpareMemory() }
        } else if firstSplice >= 64 {
            splices.removeFirst(firstSplice)
            firstSplice = 0
        }
    }

    /// Frees the buffer when nothing waits in it.
    mutating func releaseSpareMemory() {
        guard isEmpty else { return }
        unsafe base?.deallocate()
        unsafe base = nil
        capacity = 0
        origin += tail
        head = 0
        tail = 0
        splices = []
        firstSplice = 0
    }
}
