import NodeTransport
import SwiftProtobuf
import Testing

@testable import TransportProtobuf

@Suite("Protobuf messages as bytes")
struct ProtobufCodecTests {
    private let codec = Codec<Google_Protobuf_StringValue>.protobuf()

    @Test(arguments: ["", "x", "grüße", String(repeating: "long ", count: 100_000)])
    func `A message comes back as it went`(text: String) throws {
        let message = Google_Protobuf_StringValue(text)
        let bytes = try codec.encode(message)
        #expect(Array(bytes) == Array(try message.serializedData()))
        #expect(try codec.decode(bytes) == message)
    }

    @Test func `A slice of a larger buffer is read in place`() throws {
        let bytes = try codec.encode(Google_Protobuf_StringValue("inner"))
        let framed = Bytes([0xff, 0xff] + Array(bytes) + [0xff])
        #expect(try codec.decode(framed.slice(2..<2 + bytes.count)).value == "inner")
    }

    @Test func `Bytes that are no message are refused with its name`() throws {
        let error = try #require(throws: TransportError.self) { try codec.decode([0x0a, 0x7f, 0x00]) }
        #expect(error.code == .internal)
        #expect(error.message.contains("google.protobuf.StringValue"))
        #expect(error.message.contains("3 bytes"))
    }

    @Test func `Changing bytes through SwiftProtobuf leaves those who share them alone`() {
        var changed: Bytes = [1, 2, 3]
        let shared = changed
        changed.withUnsafeMutableBytes { $0[0] = 9 }
        #expect(changed == [9, 2, 3])
        #expect(shared == [1, 2, 3])
    }

    @Test func `Repeated bytes`() {
        #expect(Bytes(repeating: 7, count: 3) == [7, 7, 7])
        #expect(Bytes(repeating: 7, count: 0).isEmpty)
    }
}
