import Testing

@testable import HTTP2Engine

@Suite struct HPACKRoundTripTests {
    @Test(arguments: 0..<40 as Range<UInt64>)
    func `what is encoded is decoded, whatever the table's size does`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let encoder = TestEncoder(ownLimit: Int.random(in: 0...8192, using: &random))
        let decoder = TestDecoder(tableLimit: 8192)
        let fields = (0..<40).map { index in
            let name = [":path", "grpc-timeout", "content-type", "x-\(index)"].randomElement(using: &random) ?? "x"
            let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789/.-~{}<>")
            let count = Int.random(in: 0...(index % 7 == 0 ? 2000 : 30), using: &random)
            let value = String((0..<count).map { _ in alphabet.randomElement(using: &random) ?? "x" })
            let policies: [FieldIndexing] = [.indexed, .indexed, .notIndexed, .neverIndexed]
            return PreparedField(name: name, value: value, indexing: policies.randomElement(using: &random) ?? .indexed)
        }
        for round in 0..<100 {
            if Int.random(in: 0..<10, using: &random) == 0 {
                encoder.encoder.setPeerLimit(Int.random(in: 0...8192, using: &random))
            }
            let prepared = (0..<Int.random(in: 0...8, using: &random)).compactMap { _ in
                fields.randomElement(using: &random)
            }
            let extra = (0..<Int.random(in: 0...3, using: &random)).map {
                HeaderPair(name: "e\($0)", value: "v\(round)")
            }
            let block = encoder.encode(prepared, extra)
            let expected = prepared.map { "\($0.name): \($0.value)" } + extra.map { "\($0.name): \($0.value)" }
            #expect(try decoder.decode(block) == expected, "seed \(seed), round \(round)")
        }
    }

    @Test func `a prepared field is one byte from the second time on`() {
        let encoder = TestEncoder()
        let fields = [
            PreparedField(name: ":path", value: "/ledger.PoH/Challenge"), PreparedField(name: "te", value: "trailers"),
        ]
        #expect(encoder.encode(fields).count > 10)
        #expect(encoder.encode(fields) == [0xbf, 0xbe])
        #expect(encoder.encode(fields) == [0xbf, 0xbe])
    }

    @Test func `an evicted field is put into the table again`() throws {
        let encoder = TestEncoder(ownLimit: 200)
        let decoder = TestDecoder()
        let fields = (0..<10).map { PreparedField(name: "name-\($0)", value: "value-\($0)") }
        for round in 0..<5 {
            let order = round % 2 == 0 ? fields : fields.reversed()
            #expect(try decoder.decode(encoder.encode(order)) == order.map { "\($0.name): \($0.value)" })
        }
    }

    @Test func `a field of another engine is not taken for one's own`() throws {
        let (first, second) = (TestEncoder(), TestEncoder())
        let (firstDecoder, secondDecoder) = (TestDecoder(), TestDecoder())
        let (a, b) = (PreparedField(name: "a", value: "1"), PreparedField(name: "b", value: "2"))
        for _ in 0..<3 {
            #expect(try firstDecoder.decode(first.encode([a, b])) == ["a: 1", "b: 2"])
            #expect(try secondDecoder.decode(second.encode([b, a])) == ["b: 2", "a: 1"])
        }
    }

    @Test func `a secret is never indexed`() {
        let encoder = TestEncoder()
        let secret = PreparedField(name: "authorization", value: "Bearer x", indexing: .neverIndexed)
        let block = encoder.encode([secret], [HeaderPair(name: "authorization", value: "y", isSensitive: true)])
        #expect(block[0] == 0x1f)
        #expect(encoder.encode([secret])[0] == 0x1f)
        #expect(encoder.encode([], [HeaderPair(name: "x", value: "y", isSensitive: true)])[0] == 0x10)
    }

    @Test func `changes of the table's size are told: the smallest and the last`() throws {
        let encoder = TestEncoder()
        encoder.encoder.setPeerLimit(100)
        encoder.encoder.setPeerLimit(3000)
        #expect(encoder.encode([PreparedField(name: ":method", value: "GET")]) == [0x3f, 69, 0x3f, 0x99, 0x17, 0x82])
        #expect(encoder.encode([PreparedField(name: ":method", value: "GET")]) == [0x82])
    }
}
