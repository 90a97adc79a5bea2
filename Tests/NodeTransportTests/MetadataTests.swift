import NodeTransport
import Testing

@Suite("Metadata")
struct MetadataTests {
    @Test func keepsEveryValueInOrder() throws {
        var metadata = Metadata()
        try metadata.add("b", "1")
        try metadata.add("a", "2")
        try metadata.add("B", "3")
        #expect(metadata.map(\.key) == ["b", "a", "b"])
        #expect(metadata.values("b") == [.text("1"), .text("3")])
        #expect(metadata[text: "b"] == "1")
        metadata.remove("b")
        #expect(metadata.count == 1)
        #expect(metadata[text: "b"] == nil)
    }

    @Test func tellsTextFromBytes() throws {
        var metadata = Metadata()
        try metadata.add("a-bin", Bytes([0, 255]))
        try metadata.add("a", "text")
        #expect(metadata[binary: "a-bin"] == [0, 255])
        #expect(metadata[text: "a-bin"] == nil)
        #expect(metadata[binary: "a"] == nil)
    }

    @Test(arguments: [
        "", " ", "a b", "größe", "a:b", ":path", "a/b", "a\n", "grpc-status", "grpc-timeout", "te", "content-type",
        "Content-Length", "host",
    ])
    func refusesBadKeys(_ key: String) throws {
        var metadata = Metadata()
        let error = try #require(throws: TransportError.self) { try metadata.add(key, "x") }
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains("\"\(key.lowercased())\""))
        #expect(metadata.isEmpty)
    }

    @Test(arguments: ["größe", "a\nb", "a\r\nb", "\0", "\u{7f}"])
    func refusesTextThatCannotTravel(_ value: String) {
        var metadata = Metadata()
        #expect(throws: TransportError.self) { try metadata.add("key", value) }
    }

    @Test func textAndBytesHaveTheirOwnKeys() {
        var metadata = Metadata()
        #expect(throws: TransportError.self) { try metadata.add("a-bin", "text") }
        #expect(throws: TransportError.self) { try metadata.add("a", Bytes([1])) }
    }

    @Test func aServerMaySayWhenToComeBack() throws {
        var metadata = Metadata()
        try metadata.add("grpc-retry-pushback-ms", "100")
        #expect(metadata[text: "grpc-retry-pushback-ms"] == "100")
    }

    @Test func aClientMaySayHowOftenItHasTried() throws {
        var metadata = Metadata()
        try metadata.add("grpc-previous-rpc-attempts", "2")
        #expect(metadata[text: "grpc-previous-rpc-attempts"] == "2")
    }
}
