import NodeTransport
import Testing

@Suite("Base64")
struct Base64Tests {
    /// RFC 4648 §10.
    static let vectors: [(bytes: Bytes, padded: String)] = [
        (Bytes(), ""), (Bytes(utf8: "f"), "Zg=="), (Bytes(utf8: "fo"), "Zm8="), (Bytes(utf8: "foo"), "Zm9v"),
        (Bytes(utf8: "foob"), "Zm9vYg=="), (Bytes(utf8: "fooba"), "Zm9vYmE="), (Bytes(utf8: "foobar"), "Zm9vYmFy"),
    ]

    @Test(arguments: vectors)
    func vectorsOfTheRFC(bytes: Bytes, padded: String) {
        let unpadded = padded.filter { $0 != "=" }
        #expect(Base64.encode(bytes) == unpadded)
        #expect(Base64.decode(padded) == bytes)
        #expect(Base64.decode(unpadded) == bytes)
        #expect(Base64.encode(bytes, isPadded: true) == padded)
        #expect(Base64.decode(padded, .strict) == bytes)
        #expect(padded == unpadded || Base64.decode(unpadded, .strict) == nil)
    }

    @Test(arguments: ["Zh==", "Zm9=", "Zg", "Zm8"]) func theStrictFormHasOneTextForEachMeaning(text: String) {
        #expect(Base64.decode(text, .strict) == nil)
        #expect(Base64.decode(text) != nil)
    }

    /// The alphabet is in order when these bytes come out right; from Python's base64 module.
    @Test func everyByte() {
        let text = """
            AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9Q
            UVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6Ch
            oqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy
            8/T19vf4+fr7/P3+/w
            """.filter { $0 != "\n" }
        let bytes = Bytes(0...255)
        #expect(Base64.encode(bytes) == text)
        #expect(Base64.decode(text) == bytes)
    }

    @Test(arguments: [
        "A", "=", "==", "====", "A=", "A==", "A===", "AA=", "AAA==", "AAAA=", "AAAA==", "AAAAA", "AB=C", "AA=A", "A A=",
        "AAA\n", "-_-_", "AAA.", "AA\u{e9}", "日本",
    ])
    func whatIsNotBase64IsRefused(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func bytesOfEveryLengthComeBack() {
        for length in 0..<300 {
            let bytes = Bytes((0..<length).map { UInt8(truncatingIfNeeded: $0 * 151 + length * 31) })
            #expect(Base64.decode(Base64.encode(bytes)) == bytes, "\(length) bytes")
            #expect(Base64.decode(Base64.encode(bytes, isPadded: true), .strict) == bytes, "\(length) bytes")
        }
    }
}
