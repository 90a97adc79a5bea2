import NodeTransport
import Testing

@Suite struct TraceContextTests {
    private static let valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test func aParentIsReadAndWritten() throws {
        let context = try #require(TraceContext(traceparent: Self.valid))
        #expect(context.traceID == (0x0af7_6519_16cd_43dd, 0x8448_eb21_1c80_319c))
        #expect(context.parentID == 0xb7ad_6b71_6920_3331)
        #expect(context.isSampled)
        #expect(context.traceparent == Self.valid)
    }

    @Test(arguments: [
        "", "00", "00-", valid + "-", valid + "-00", String(valid.dropLast()), valid.uppercased(),
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x",
    ])
    func anythingElseIsNoParent(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }

    @Test func ofALaterVersionWhatIsKnownIsRead() throws {
        let later = try #require(TraceContext(traceparent: "cc" + Self.valid.dropFirst(2) + "-what-the-future-brings"))
        #expect(later.traceparent == Self.valid)
        #expect(TraceContext(traceparent: "cc" + Self.valid.dropFirst(2)) == later)
    }

    @Test func flagsThatAreNotDefinedAreDropped() throws {
        #expect(TraceContext(traceparent: Self.valid.dropLast(2) + "ff")?.flags == 3)
    }

    @Test func aChildIsOfTheSameTraceWithAnotherParent() throws {
        var random = SystemRandomNumberGenerator()
        let root = TraceContext.root(isSampled: true, using: &random)
        let child = root.child(using: &random)
        #expect(child.traceID == root.traceID)
        #expect(child.parentID != root.parentID)
        #expect(child.isSampled)
        #expect(TraceContext(traceparent: root.traceparent) == root)
    }

    @Test(
        arguments: [
            (["a=1"], "a=1"), (["a=1,b=2"], "a=1,b=2"), (["a=1 , ,\tb=2,"], "a=1,b=2"), (["a=1", "b=2"], "a=1,b=2"),
            (["t0*/_-@sys=x y"], "t0*/_-@sys=x y"), ([], ""), ([""], ""), (["0tenant@s=1"], "0tenant@s=1"),
        ] as [([String], String)])
    func aStateIsPassedOn(fields: [String], text: String) {
        #expect(TraceState(parsing: fields)?.text == text)
    }

    @Test(arguments: [
        "a", "=1", "a=", "A=1", "0a=1", "a=1=2", "a=\u{7f}", "a=é", "a=1,a=2", "a@b@c=1", "a@0b=1", "@a=1", "a b=1",
        String(repeating: "k", count: 257) + "=1", "a=" + String(repeating: "v", count: 257), "a@systemistoolong=1",
        (0..<33).map { "k\($0)=1" }.joined(separator: ","),
    ])
    func aMalformedStateIsNone(field: String) {
        #expect(TraceState(parsing: [field]) == nil)
    }

    @Test func theLongestStateIsTaken() {
        let entries = (0..<32).map { "k\($0)=1" }.joined(separator: ",")
        #expect(TraceState(parsing: [entries])?.text == entries)
        let long = String(repeating: "k", count: 256) + "=" + String(repeating: "v", count: 256)
        #expect(TraceState(parsing: [long])?.text == long)
    }

    @Test func metadataCarriesIt() throws {
        let state = try #require(TraceState(parsing: ["a=1"]))
        let context = try #require(TraceContext(traceparent: Self.valid, state: state))
        var metadata = Metadata()
        try metadata.add("traceparent", "old")
        metadata.setTraceContext(context)
        #expect(metadata.traceContext == context)
        #expect(metadata.count == 2)
    }

    @Test func malformedMetadataIsIgnored() throws {
        var metadata = Metadata()
        try metadata.add("traceparent", Self.valid)
        try metadata.add("tracestate", "not a list")
        #expect(metadata.traceContext == TraceContext(traceparent: Self.valid), "the parent alone is good")
        try metadata.add("traceparent", Self.valid)
        #expect(metadata.traceContext == nil, "twice is malformed")
    }
}
