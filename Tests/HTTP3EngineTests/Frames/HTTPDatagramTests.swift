import HTTP3Engine
import NodeTransport
import Testing

@Suite("HTTP datagrams")
struct HTTPDatagramTests {
    @Test(arguments: [0, 4, 252, 256, 65_532, 65_536, 4_294_967_296, 4_611_686_018_427_387_900] as [Int64])
    func `A stream's number comes back from the quarter of it`(stream: Int64) throws {
        let prefix = try #require(HTTPDatagram.prefix(stream: stream))
        let datagram = try #require(HTTPDatagram(Bytes(Array(prefix) + [1, 2, 3])))
        #expect(datagram.stream == stream)
        #expect(Array(datagram.payload) == [1, 2, 3])
    }

    @Test func `What names no request stream is refused`() {
        for stream in [Int64(-4), 1, 2, 3, 6] { #expect(HTTPDatagram.prefix(stream: stream) == nil) }
        #expect(HTTPDatagram(Bytes()) == nil)
        #expect(HTTPDatagram(Bytes([0x40])) == nil)
        #expect(HTTPDatagram(Bytes([0xd0, 0, 0, 0, 0, 0, 0, 0])) == nil)
    }

    @Test func `Datagrams are announced where that is asked for`() throws {
        for isAnnounced in [false, true] {
            var configuration = HTTP3Configuration()
            configuration.announcesDatagrams = isAnnounced
            let pair = Pair(seed: 1, configuration)
            pair.run()
            let isAllowed = pair.client.engine.peerAllowsDatagrams
            #expect(isAllowed == isAnnounced)
        }
    }
}
