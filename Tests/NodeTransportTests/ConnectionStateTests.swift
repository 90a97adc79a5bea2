import NodeTransport
import Testing

@Suite("Connection states", .timeLimit(.minutes(5)))
struct ConnectionStateTests {
    @Test func aReaderSeesTheStateNowAndEachChange() async {
        let source = ConnectionStateSource()
        let updates = source.updates()
        source.update(.ready)
        source.update(.draining("maintenance"))
        source.update(.closed(nil))
        source.update(.ready)
        var seen: [String] = []
        for await state in updates {
            switch state {
            case .connecting: seen.append("connecting")
            case .ready: seen.append("ready")
            case .draining(let reason): seen.append(reason)
            case .closed: seen.append("closed")
            }
        }
        #expect(seen == ["connecting", "ready", "maintenance", "closed"])
        #expect(source.state.isClosed)
    }

    @Test func aLateReaderSeesTheEndOnly() async {
        let source = ConnectionStateSource(.closed(TransportError(.unavailable, "lost")))
        var count = 0
        for await state in source.updates() {
            #expect(state.isClosed)
            count += 1
        }
        #expect(count == 1)
    }

    @Test func aSlowReaderSeesTheLatest() async {
        let source = ConnectionStateSource()
        let updates = source.updates()
        for number in 0..<100 { source.update(.draining("\(number)")) }
        source.update(.closed(nil))
        var count = 0
        for await _ in updates { count += 1 }
        #expect(count == 8)
    }
}
