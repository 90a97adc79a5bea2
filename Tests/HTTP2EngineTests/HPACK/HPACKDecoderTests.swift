import Testing

@testable import HTTP2Engine

@Suite struct HPACKDecoderTests {
    @Test(arguments: [
        ("80", HPACKFault.indexOutOfRange), ("be", .indexOutOfRange), ("ff80ffff7f", .indexOutOfRange),
        ("7e00", .indexOutOfRange), ("0f2f00", .indexOutOfRange), ("ff", .truncated), ("ffff", .truncated),
        ("ffffffffffffffffff7f", .integerTooLarge), ("ff8080808080808000", .integerTooLarge),
        ("ffffffffff7f", .integerTooLarge), ("40", .truncated), ("4003", .truncated), ("40036162", .truncated),
        ("400361626305", .truncated), ("40036162637fffffff", .truncated), ("40036162637fffffff7f", .truncated),
        ("408200", .truncated), ("4081ff0161", .invalidHuffmanCode), ("00016181ff", .invalidHuffmanCode),
        ("3fe2ff01", .invalidTableSizeUpdate), ("823f", .truncated), ("8220", .invalidTableSizeUpdate),
        ("00", .truncated), ("10", .truncated), ("3f", .truncated), ("44", .truncated),
    ])
    func `a faulty block is refused`(text: String, fault: HPACKFault) {
        let decoder = TestDecoder()
        let found = decoder.fault(hex(text))
        // A truncated update behind a field is at fault twice.
        #expect(found == fault || text == "823f" && found == .invalidTableSizeUpdate)
    }

    @Test func `a repeated field is the same object, with the tag its owner gave it`() throws {
        var decoder = HPACKDecoder(tableLimit: 4096)
        var fields: [HeaderField] = []
        let first = hex("82 40 0161 0162")
        _ = try unsafe decoder.decode(first.span.bytes, maxListBytes: 1000, into: &fields)
        fields[0].tag = 1
        fields[1].tag = 7
        let second = hex("82 be")
        _ = try unsafe decoder.decode(second.span.bytes, maxListBytes: 1000, into: &fields)
        #expect(fields[2] === fields[0])
        #expect(fields[3] === fields[1])
        #expect(fields[3].tag == 7)
    }

    @Test func `names are known, whether indexed or spelled out`() throws {
        var decoder = HPACKDecoder(tableLimit: 4096)
        let names: [(String, KnownHeader)] = [
            (":path", .path), (":method", .method), (":status", .status), (":strange", .unknownPseudo),
            ("grpc-timeout", .grpcTimeout), ("grpc-status", .grpcStatus), ("grpc-message", .grpcMessage),
            ("grpc-encoding", .grpcEncoding), ("grpc-accept-encoding", .grpcAcceptEncoding), ("te", .te),
            ("grpc-status-details-bin", .grpcStatusDetails), ("content-type", .contentType),
            ("upgrade", .connectionSpecific),
            ("user-agent", .userAgent), ("content-length", .contentLength), ("x", .other), ("accept", .other),
        ]
        var fields: [HeaderField] = []
        let block = Raw.block(names.map { ($0.0, "1") }) + hex("82 84 86 88") + [0x0f, 0x10, 0x01, 0x61]
        _ = try unsafe decoder.decode(block.span.bytes, maxListBytes: 1 << 20, into: &fields)
        #expect(fields.prefix(names.count).map(\.known) == names.map(\.1))
        #expect(fields.dropFirst(names.count).map(\.known) == [.method, .path, .scheme, .status, .contentType])
    }

    @Test func `a field that must never be indexed says so`() throws {
        var decoder = HPACKDecoder(tableLimit: 4096)
        var fields: [HeaderField] = []
        let block = hex("10 0161 0162 00 0163 0164")
        _ = try unsafe decoder.decode(block.span.bytes, maxListBytes: 1000, into: &fields)
        #expect(fields.map(\.isSensitive) == [true, false])
    }

    @Test func `a list over the limit keeps the table whole`() throws {
        let decoder = TestDecoder()
        #expect(try decoder.decode(hex("40 0161 0162 40 0163 0164"), maxListBytes: 50) == nil)
        #expect(try decoder.decode(hex("be bf")) == ["c: d", "a: b"])
    }

    @Test func `the size of an entry counts octets, also where they are not UTF-8`() throws {
        let decoder = TestDecoder(tableLimit: 4096)
        // Room for two entries of 34 octets.
        _ = try decoder.decode([0x3f, 68 - 31])
        _ = try decoder.decode([0x40, 1, 0x61, 1, 0xff, 0x40, 1, 0x62, 1, 0xfe])
        #expect(try decoder.decode([0xbe, 0xbf]) == ["b: \u{fffd}", "a: \u{fffd}"])
    }

    @Test func `an entry larger than the table empties it`() throws {
        let decoder = TestDecoder()
        _ = try decoder.decode([0x3f, 68 - 31] + hex("40 0161 0162"))
        _ = try decoder.decode([0x40, 1, 0x61] + Raw.string([UInt8](repeating: 0x62, count: 60)))
        #expect(decoder.fault([0xbe]) == .indexOutOfRange)
    }

    @Test func `a lowered limit must be answered by an update`() throws {
        let decoder = TestDecoder()
        decoder.decoder.setTableLimit(100)
        #expect(decoder.fault([0x82]) == .invalidTableSizeUpdate)
        let other = TestDecoder()
        other.decoder.setTableLimit(100)
        #expect(try other.decode([0x3f, 100 - 31, 0x82]) == [":method: GET"])
        #expect(try other.decode([0x82]) == [":method: GET"])
    }

    @Test func `two updates may begin a block`() throws {
        let decoder = TestDecoder()
        #expect(try decoder.decode([0x20, 0x3f, 0xe1, 0x1f, 0x82]) == [":method: GET"])
    }
}
