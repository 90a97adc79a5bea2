import HTTP2Engine
import Testing

/// The input's pieces are the network's choice: they must not matter.
@Suite struct SplitInputTests {
    private static let script =
        Raw.preface + Raw.settings([(4, 1000), (1, 100)]) + Raw.settingsAcknowledgement + Raw.ping()
        + Raw.headers(1, Raw.request) + Raw.data(1, [1, 2, 3, 4, 5], padding: 3) + Raw.data(1, [])
        + Raw.frame(0xfa, stream: 1, [1, 2, 3]) + Raw.data(1, [6], endStream: true, padding: 2)
        + Raw.frame(1, flags: 0x28, stream: 3, [2, 0, 0, 0, 0, 9] + Raw.block(Array(Raw.request.prefix(3))) + [0, 0])
        + Raw.continuation(3, Raw.block(Array(Raw.request.dropFirst(3))), endHeaders: true)
        + Raw.windowUpdate(3, 10) + Raw.data(3, [7, 8]) + Raw.headers(3, [("a", "b")], endStream: true)
        + Raw.open(5) + Raw.reset(5, 8) + Raw.goAway(0, 0, debug: "bye") + Raw.windowUpdate(0, 0)

    private func run(_ pieces: [ArraySlice<UInt8>], takesContentItself: Bool = false) -> ([Seen], [UInt8]) {
        let server = TestEngine(.server)
        server.takesContentItself = takesContentItself
        for piece in pieces { server.receive(Array(piece)) }
        return (server.joined, server.takeOutput())
    }

    private func expectSame(_ pieces: [ArraySlice<UInt8>], _ comment: Comment) {
        let (events, output) = run([Self.script[...]])
        for takesContentItself in [false, true] {
            let (splitEvents, splitOutput) = run(pieces, takesContentItself: takesContentItself)
            #expect(splitEvents == events, comment)
            #expect(splitOutput == output, comment)
        }
    }

    @Test func `the script ends as it should`() {
        let (events, _) = run([Self.script[...]])
        #expect(events.contains(.data(1, [1, 2, 3, 4, 5, 6], endStream: true)))
        #expect(events.contains(.trailers(3, ["a: b"])))
        #expect(events.contains(.goAway(0, .noError, "bye")))
        #expect(events.last == .connectionFailed(.protocolError))
    }

    @Test func `split at any byte`() {
        for cut in 0...Self.script.count { expectSame([Self.script[..<cut], Self.script[cut...]], "cut at \(cut)") }
    }

    @Test func `byte by byte`() {
        expectSame(Self.script.indices.map { Self.script[$0...$0] }, "byte by byte")
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func `in random pieces`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var rest = Self.script[...]
        var pieces: [ArraySlice<UInt8>] = []
        while !rest.isEmpty {
            let count = Int.random(in: 0...20, using: &random)
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        expectSame(pieces, "seed \(seed)")
    }
}
