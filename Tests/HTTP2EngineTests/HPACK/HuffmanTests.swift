import Testing

@testable import HTTP2Engine

@Suite struct HuffmanTests {
    private func encode(_ text: [UInt8]) -> [UInt8] {
        var output = OutputQueue()
        unsafe HuffmanCode.shared.encode(text.span.bytes) { output.append($0) }
        return output.takeBack(from: 0)
    }

    private func decode(_ code: [UInt8]) -> [UInt8]? {
        var text: [UInt8] = []
        return unsafe HuffmanCode.shared.decode(code.span.bytes, into: &text) ? text : nil
    }

    @Test func `every byte survives alone and before and after every other`() {
        for first in UInt8.min...UInt8.max {
            #expect(decode(encode([first])) == [first])
            for second in stride(from: UInt8.min, to: UInt8.max, by: 5) {
                #expect(decode(encode([first, second, first])) == [first, second, first])
            }
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `random texts survive, and their length is foreseen`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let text = (0..<Int.random(in: 0...500, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let code = encode(text)
        #expect(unsafe HuffmanCode.shared.encodedCount(text.span.bytes) == code.count, "seed \(seed)")
        #expect(decode(code) == text, "seed \(seed)")
    }

    @Test func `known codes`() {
        #expect(encode(Array("www.example.com".utf8)) == hex("f1e3 c2e5 f23a 6ba0 ab90 f4ff"))
        #expect(HuffmanCode.shared.codes[256] == 0x3fff_ffff)
        #expect(HuffmanCode.shared.codes[10] == 0x3fff_fffc)
        #expect(HuffmanCode.shared.codes[48] == 0)
    }

    @Test(arguments: ["ff", "ffff", "00", "18", "fffffffc", "ffffffff", "f1e3c2e5f23a6ba0ab90f4ffff"])
    func `padding that is too long or not of ones, and the end-of-string symbol, are refused`(text: String) {
        // "00" is one '0' with three bits of zeros behind it; "18" is 'a' with a padding of zeros.
        #expect(decode(hex(text)) == nil)
    }

    @Test func `nothing is the empty text`() {
        #expect(decode([]) == [])
    }
}
