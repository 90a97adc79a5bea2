import NodeTransport
import Testing

@testable import HTTP3Engine

@Suite("What a stream has to send")
struct SendBufferTests {
    @Test(arguments: 0..<50)
    func `Bytes leave in their order and stay where they are until acknowledged`(round: Int) {
        let seed = Seeded.fresh
        var random = Seeded(seed)
        var buffer = SendBuffer()
        var expected: [UInt8] = []
        var sent: [UInt8] = []
        // Where each byte was lent, for as long as it is not acknowledged.
        var lent: [UnsafePointer<UInt8>] = []
        var acknowledged = 0
        var next: UInt8 = 0
        for _ in 0..<400 {
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                let count = Int.random(in: 1...30, using: &random)
                let piece = (0..<count).map { next &+ UInt8($0) }
                next &+= UInt8(count)
                expected += piece
                buffer.append(count: count) { target in
                    for (offset, byte) in piece.enumerated() {
                        target.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
                    }
                }
            case 1:
                let count = [0, 1, 100, 255, 256, 257, 3000].randomElement(using: &random) ?? 0
                let piece = (0..<count).map { next &+ UInt8(truncatingIfNeeded: $0) }
                next &+= UInt8(truncatingIfNeeded: count)
                expected += piece
                buffer.append(Bytes(piece))
            case 2:
                let capacity = Int.random(in: 1...5, using: &random)
                withUnsafeTemporaryAllocation(of: OutputSegment.self, capacity: capacity) { segments in
                    let (segmentCount, byteCount, _) = buffer.gather(into: segments)
                    let taken = Int.random(in: 0...byteCount, using: &random)
                    var left = taken
                    for index in 0..<segmentCount {
                        let count = min(left, segments[index].count)
                        let start = segments[index].pointer.assumingMemoryBound(to: UInt8.self)
                        for offset in 0..<count {
                            sent.append(start[offset])
                            lent.append(start + offset)
                        }
                        left -= count
                    }
                    buffer.advance(taken, endTaken: false)
                }
            default:
                let count = Int.random(in: 0...(sent.count - acknowledged), using: &random)
                for index in acknowledged..<sent.count where lent[index].pointee != sent[index] {
                    Issue.record("byte \(index) has changed, seed \(seed)")
                    return
                }
                acknowledged += count
                buffer.acknowledge(count)
            }
            #expect(buffer.unsentBytes == expected.count - sent.count, "seed \(seed)")
            #expect(buffer.keptBytes == expected.count - acknowledged, "seed \(seed)")
        }
        #expect(sent == Array(expected.prefix(sent.count)), "seed \(seed)")
    }

    @Test func `The end is output by itself`() {
        var buffer = SendBuffer()
        #expect(buffer.hasOutput == false)
        buffer.end()
        #expect(buffer.hasOutput == true)
        buffer.advance(0, endTaken: true)
        #expect(buffer.hasOutput == false)
        #expect(buffer.isEndSent == true)
    }

    @Test func `More acknowledged or written than there is changes nothing`() {
        var buffer = SendBuffer()
        buffer.append(Bytes([1, 2, 3]))
        buffer.acknowledge(100)
        #expect(buffer.keptBytes == 3)
        buffer.advance(100, endTaken: false)
        #expect(buffer.unsentBytes == 0)
        buffer.acknowledge(-1)
        buffer.acknowledge(100)
        #expect(buffer.keptBytes == 0)
    }
}
