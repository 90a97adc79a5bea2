import NodeTransport
import Testing

@testable import HTTP2Engine

@Suite struct OutputQueueTests {
    /// Takes up to `limit` bytes; also says of how many segments they were.
    private func take(_ queue: inout OutputQueue, _ limit: Int) -> (bytes: [UInt8], segments: Int) {
        var bytes: [UInt8] = []
        var count = 0
        unsafe queue.withSegments { segments in
            count = segments.count
            for position in segments.indices {
                let segment = unsafe segments[position]
                let taken = unsafe min(segment.count, limit - bytes.count)
                unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: segment.pointer, count: taken))
            }
            return bytes.count
        }
        return (bytes, count)
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func `bytes leave in the order they came, whatever is written when`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = OutputQueue()
        var expected: [UInt8] = []
        var written: [UInt8] = []
        for _ in 0..<300 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                let byte = UInt8.random(in: 0...255, using: &random)
                queue.append(byte)
                expected.append(byte)
            case 1:
                let payload = Bytes.pattern(Int.random(in: 0...9000, using: &random), seed: Int(seed))
                queue.appendData(
                    stream: 5, endStream: false, prefix: 0x0102_0300_0000_0000, prefixCount: 3, payload: payload,
                    range: 0..<payload.count
                )
                expected += Raw.data(5, [1, 2, 3] + Array(payload))
            default:
                written += take(&queue, Int.random(in: 0...8000, using: &random)).bytes
            }
            #expect(queue.count == expected.count - written.count, "seed \(seed)")
        }
        while !queue.isEmpty { written += take(&queue, .max).bytes }
        #expect(written == expected, "seed \(seed)")
        #expect(queue.writtenBytes == expected.count, "seed \(seed)")
    }

    @Test func `a large payload is a segment of its own, a small one is not`() {
        var queue = OutputQueue()
        for size in [4096, 100] {
            queue.appendData(
                stream: 1, endStream: false, prefix: 0, prefixCount: 0, payload: Bytes.pattern(size), range: 0..<size
            )
        }
        #expect(take(&queue, 0).segments == 3)
    }

    @Test func `at most 64 segments are lent at once`() {
        var queue = OutputQueue()
        for _ in 0..<50 {
            queue.appendData(
                stream: 1, endStream: false, prefix: 0, prefixCount: 0, payload: Bytes.pattern(5000), range: 0..<5000
            )
        }
        #expect(take(&queue, 0).segments == 64)
        var total = 0
        while !queue.isEmpty { total += take(&queue, .max).bytes.count }
        #expect(total == 50 * 5009)
    }

    @Test func `a frame header can be written later`() {
        var queue = OutputQueue()
        let start = queue.endOffset
        queue.appendFrameHeader(length: 0, type: .headers, flags: [], stream: 0)
        queue.append([1, 2, 3])
        queue.overwriteFrameHeader(at: start, length: 3, type: .headers, flags: .endHeaders, stream: 9)
        #expect(take(&queue, .max).bytes == Raw.frame(1, flags: 4, stream: 9, [1, 2, 3]))
    }
}
