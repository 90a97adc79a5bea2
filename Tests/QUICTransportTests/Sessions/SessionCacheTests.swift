import NodeTransport
import Testing

@testable import QUICTransport

@Suite struct SessionCacheTests {
    @Test func `a token is given out once, the newest first, and four are kept`() {
        let cache = SessionCache()
        for number in UInt8(0)..<6 { cache.put(token: [number], for: "a") }
        cache.put(token: [9], for: "b")
        for number in [5, 4, 3, 2] as [UInt8] { #expect(cache.takeToken(of: "a") == [number]) }
        #expect(cache.takeToken(of: "a") == nil)
        #expect(cache.takeToken(of: "b") == [9])
    }

    @Test func `the server that has sent nothing for longest is forgotten`() {
        let cache = SessionCache()
        for number in 0..<SessionCache.maximumServers { cache.put(token: [1], for: "\(number)") }
        cache.put(token: [2], for: "0")
        cache.put(token: [3], for: "another")
        #expect(cache.takeToken(of: "0") == [2])
        #expect(cache.takeToken(of: "1") == nil)
        #expect(cache.takeToken(of: "2") == [1])
        #expect(cache.takeToken(of: "another") == [3])
    }

    @Test func `what is too long is not kept`() {
        let cache = SessionCache()
        cache.put(token: Bytes([UInt8](repeating: 1, count: SessionCache.maximumBytes + 1)), for: "a")
        #expect(cache.takeToken(of: "a") == nil)
    }
}
