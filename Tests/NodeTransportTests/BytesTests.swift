import NodeTransport
import Testing

@Suite("Bytes", .timeLimit(.minutes(5)))
struct BytesTests {
    @Test func copiesWhatItIsMadeOf() {
        #expect(Array(Bytes([1, 2, 3])) == [1, 2, 3])
        #expect(Array(Bytes(utf8: "aé")) == [0x61, 0xc3, 0xa9])
        #expect(Array(Bytes(sequence(first: UInt8(1)) { $0 < 5 ? $0 + 1 : nil })) == [1, 2, 3, 4, 5])
        #expect(Bytes().isEmpty)
        #expect(Bytes([UInt8]()) == Bytes())
    }

    @Test func slicesShareAndCompare() {
        let bytes = Bytes((0..<100).map { UInt8($0) })
        let slice = bytes.slice(10..<20)
        #expect(Array(slice) == Array(10..<20))
        #expect(slice == Bytes((10..<20).map { UInt8($0) }))
        #expect(slice.hashValue == Bytes((10..<20).map { UInt8($0) }).hashValue)
        #expect(slice.slice(5..<5).isEmpty)
        #expect(slice[2...4] == [12, 13, 14])
        #expect(slice != bytes.slice(11..<21))
        #expect(bytes.slice(0..<100) == bytes)
    }

    @Test func aSliceOutlivesItsWhole() {
        func slice() -> Bytes { Bytes((0..<50).map { UInt8($0) }).slice(40..<50) }
        #expect(Array(slice()) == Array(40..<50))
    }

    @Test func lendsItsBytes() {
        let bytes: Bytes = [1, 2, 3]
        #expect(bytes.bytes.byteCount == 3)
        #expect(Bytes(copying: bytes.bytes) == bytes)
        #expect(Bytes().bytes.byteCount == 0)
    }

    @Test func isShownByItsBeginning() {
        #expect("\(Bytes([0, 255]))" == "2 bytes: 00ff")
        #expect("\(Bytes(repeatElement(1, count: 17)))".hasSuffix("…"))
    }

    @Test("The builder writes every kind of thing, small and large")
    func builder() {
        var builder = BytesBuilder()
        builder.append(UInt8(1))
        builder.append(bigEndian: UInt32(0x0203_0405))
        builder.append(contentsOf: [6, 7])
        builder.append(contentsOf: AnySequence([8, 9] as [UInt8]))
        builder.append(Bytes([10]))
        #expect(builder.count == 10)
        #expect(Array(builder.finish()) == Array(1...10))
        #expect(BytesBuilder(capacity: 100).finish().isEmpty)
    }

    @Test(arguments: [1, 15, 16, 17, 65_535, 65_536, 65_537, 200_000, 1_000_000])
    func theBuilderGrows(_ count: Int) {
        var builder = BytesBuilder()
        for index in 0..<count { builder.append(UInt8(truncatingIfNeeded: index)) }
        let bytes = builder.finish()
        #expect(bytes.count == count)
        #expect(bytes.indices.allSatisfy { bytes[$0] == UInt8(truncatingIfNeeded: $0) })
    }

    @Test("Large blocks are used again without mixing what is in them")
    func largeBlocks() async {
        await withTaskGroup(of: Bool.self) { group in
            for task in 0..<8 as Range<UInt8> {
                group.addTask {
                    (0..<50).allSatisfy { round in
                        let array = [UInt8](repeating: task, count: 65_536 + round * 3000)
                        let (first, second) = (Bytes(array), Bytes(array))
                        return first == second && first.count == array.count && first[round] == task
                    }
                }
            }
            for await isWhole in group { #expect(isWhole) }
        }
    }
}
