import GRPCSemantics
import Testing

@Suite("Percent-encoding of grpc-message")
struct PercentEncodingTests {
    /// From a few lines of Python around `urllib.parse.unquote`.
    @Test(arguments: [
        ("", ""), ("plain", "plain"), ("100% sure", "100%25 sure"), ("50%25", "50%2525"),
        ("naïve café", "na%C3%AFve caf%C3%A9"),
        ("日本語", "%E6%97%A5%E6%9C%AC%E8%AA%9E"), ("🙂", "%F0%9F%99%82"), ("line\nbreak\ttab", "line%0Abreak%09tab"),
        ("a\r\nb", "a%0D%0Ab"), (" lead", "%20lead"), ("trail ", "trail%20"), ("  two  ", "%20 two %20"), (" ", "%20"),
        ("\u{7f}\0", "%7F%00"), ("ü ", "%C3%BC%20"), ("~!\"#$&'()*+,-./", "~!\"#$&'()*+,-./"),
        (":;<=>?@[\\]^_`{|}", ":;<=>?@[\\]^_`{|}"),
    ])
    func knownAnswers(text: String, encoded: String) {
        #expect(PercentEncoding.encode(text) == encoded)
        #expect(PercentEncoding.decode(encoded) == text)
    }

    @Test(arguments: [
        ("%", "%"), ("%4", "%4"), ("a%4", "a%4"), ("%zz", "%zz"), ("%%41", "%A"), ("%2g%41", "%2gA"), ("%-1", "%-1"),
        ("%+1", "%+1"), ("% 1", "% 1"), ("%e4", "\u{fffd}"), ("%E4%F6", "\u{fffd}\u{fffd}"), ("%C3", "\u{fffd}"),
        ("%C3x", "\u{fffd}x"), ("%c3%a9", "é"), ("%C3%a9", "é"), ("+", "+"), ("é%41", "éA"),
    ])
    func malformedEscapesStayAndBadUTF8IsReplaced(text: String, decoded: String) {
        #expect(PercentEncoding.decode(text) == decoded)
    }

    @Test(arguments: [1, UInt64.random(in: 0 ... .max)])
    func randomTextComesBackAndTravelsAsPrintableASCII(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let ranges: [ClosedRange<UInt32>] = [
            0x20...0x7e, 0...0x1f, 0x25...0x25, 0x20...0x20, 0x80...0x7ff, 0x1f600...0x1f64f,
        ]
        for _ in 0..<2_000 {
            var text = ""
            for _ in 0..<Int.random(in: 0..<30, using: &random) {
                let range = ranges[Int.random(in: ranges.indices, using: &random)]
                text.unicodeScalars.append(Unicode.Scalar(UInt32.random(in: range, using: &random)) ?? "?")
            }
            let encoded = PercentEncoding.encode(text)
            #expect(encoded.utf8.allSatisfy { (0x20...0x7e).contains($0) }, "seed \(seed)")
            #expect(encoded.first != " " && encoded.last != " ", "seed \(seed)")
            #expect(Array(PercentEncoding.decode(encoded).utf8) == Array(text.utf8), "seed \(seed)")
        }
    }

    @Test(arguments: [1, UInt64.random(in: 0 ... .max)])
    func anythingCanBeDecoded(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let pieces = ["%", "4", "1", "C", "f", "z", " ", "é", "%41", "%C3", "%A9"]
        for _ in 0..<2_000 {
            let text = (0..<8).map { _ in pieces[Int.random(in: pieces.indices, using: &random)] }.joined()
            let decoded = PercentEncoding.decode(text)
            #expect(decoded.utf8.count <= text.utf8.count * 3, "seed \(seed)")
        }
    }
}
