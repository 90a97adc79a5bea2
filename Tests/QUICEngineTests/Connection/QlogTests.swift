import NodeTransport
import QUICEngine
import Synchronization
import Testing

@Suite("qlog")
struct QlogTests {
    @Test func `A connection writes its qlog where it is told, and only when it is told`() throws {
        let texts = Mutex<[Bool: [UInt8]]>([:])
        let asked = Mutex(0)
        var configuration = QUICConfiguration()
        configuration.qlog = { isServer, _ in
            asked.withLock { $0 += 1 }
            if isServer { return nil }
            return { bytes in texts.withLock { $0[isServer, default: []].append(contentsOf: bytes) } }
        }
        let pair = try Pair(clientConfiguration: configuration, serverConfiguration: configuration)
        let connection = try pair.handshake()
        connection.close(code: 0, now: pair.now)
        #expect(asked.withLock { $0 } == 2)
        let text = try #require(texts.withLock { $0[false].map { String(decoding: $0, as: UTF8.self) } })
        #expect(texts.withLock { $0[true] } == nil)
        // RFC 7464: records begin with RS.
        #expect(text.hasPrefix("\u{1e}{"))
        #expect(text.contains("packet_sent") && text.contains("packet_received"))
    }
}
