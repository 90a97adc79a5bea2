import GRPCSemantics
import NodeTransport
import Testing

@Suite("Metadata in header fields")
struct MetadataMappingTests {
    @Test(arguments: [
        ("plain", "plain"), ("", ""), (" both ends ", "both ends"), ("   ", ""), ("in  between", "in  between"),
        ("trailing ", "trailing"), ("a,b", "a,b"),
    ])
    func textTravelsWithoutBlanksAtItsEnds(text: String, value: String) throws {
        #expect(MetadataMapping.fieldValue(try entry("key", text)) == value)
    }

    @Test func bytesTravelAsBase64WithoutPadding() throws {
        #expect(MetadataMapping.fieldValue(try entry("key-bin", [0xfb, 0xff])) == "+/8")
        #expect(MetadataMapping.fieldValue(try entry("key-bin", [])) == "")
    }

    @Test func aTextFieldIsOneEntryEvenWithCommas() {
        #expect(entries("key", "a, b") == [.text("a, b")])
        #expect(entries("key", "") == [.text("")])
    }

    private static let binaryFields: [(String, [Bytes])] = [
        ("+/8", [[0xfb, 0xff]]), ("+/8=", [[0xfb, 0xff]]), ("", [[]]), ("AA,AQ==, Ag", [[0], [1], [2]]),
        ("AA,,AQ", [[0], [], [1]]), ("AA,!,AQ", [[0], [1]]), ("A", []), ("?", []),
    ]

    @Test(arguments: binaryFields)
    func aBinaryFieldMayHoldSeveralValues(value: String, bytes: [Bytes]) {
        #expect(entries("key-bin", value) == bytes.map { .binary($0) })
    }

    @Test(arguments: [
        ":path", ":status", "grpc-status", "grpc-message", "grpc-timeout", "grpc-encoding", "grpc-status-details-bin",
        "content-type", "content-length", "te", "host", "connection", "transfer-encoding",
    ])
    func whatBelongsToTheProtocolIsNotMetadata(name: String) {
        #expect(entries(name, "AA").isEmpty)
    }

    @Test(arguments: [
        "user-agent", "authorization", "x-trace", "grpc-retry-pushback-ms", "grpc-previous-rpc-attempts", "tea", "bin",
    ])
    func everythingElseIs(name: String) {
        #expect(entries(name, "value") == [.text("value")])
    }

    @Test func valuesOfOneKeyKeepTheirOrder() throws {
        var metadata = Metadata()
        try metadata.add("a", "1")
        try metadata.add("b-bin", [1, 2, 3])
        try metadata.add("a", "2")
        var back: [Metadata.Entry] = []
        for entry in metadata {
            MetadataMapping.append(name: entry.key, value: MetadataMapping.fieldValue(entry), to: &back)
        }
        #expect(back == Array(metadata))
    }

    private func entry(_ key: String, _ text: String) throws -> Metadata.Entry {
        var metadata = Metadata()
        try metadata.add(key, text)
        return try #require(metadata.first)
    }

    private func entry(_ key: String, _ bytes: Bytes) throws -> Metadata.Entry {
        var metadata = Metadata()
        try metadata.add(key, bytes)
        return try #require(metadata.first)
    }

    private func entries(_ name: String, _ value: String) -> [Metadata.Value] {
        var entries: [Metadata.Entry] = []
        MetadataMapping.append(name: name, value: value, to: &entries)
        #expect(entries.allSatisfy { $0.key == name })
        return entries.map(\.value)
    }
}
