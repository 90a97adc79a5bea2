import HTTP2Engine
import NodeTransport

/// A client and a server that talk in memory.
final class Pair {
    let client: TestEngine
    let server: TestEngine
    /// How many bytes pass in one go.
    var step = Int.max

    init(client: HTTP2Configuration = HTTP2Configuration(), server: HTTP2Configuration = HTTP2Configuration()) {
        self.client = TestEngine(.client, client)
        self.server = TestEngine(.server, server)
        self.client.engine.start()
        self.server.engine.start()
        run()
    }

    /// Passes bytes until neither side has more.
    func run() {
        while turn() {}
    }

    /// Passes what each side has, once; false when that was nothing.
    @discardableResult
    func turn() -> Bool {
        let toServer = client.takeOutput(limit: step)
        if !toServer.isEmpty { server.receive(toServer) }
        let toClient = server.takeOutput(limit: step)
        if !toClient.isEmpty { client.receive(toClient) }
        return !toServer.isEmpty || !toClient.isEmpty
    }

    /// One call with the given bodies; returns its stream's identifier.
    @discardableResult
    func call(request: Bytes, response: Bytes) throws -> UInt32 {
        let handle = try client.open()
        client.engine.sendData(handle, payload: request, endStream: true)
        run()
        guard let accepted = server.handles[handle.id] else { return handle.id }
        server.engine.sendHeaders(accepted, prepared: [PreparedField(name: ":status", value: "200")], endStream: false)
        server.engine.sendData(accepted, payload: response, endStream: false)
        server.engine.sendTrailers(accepted, prepared: [PreparedField(name: "grpc-status", value: "0")])
        run()
        return handle.id
    }
}

/// Random numbers that a seed repeats.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

extension Bytes {
    /// Bytes with a pattern that shows what is missing or out of place.
    static func pattern(_ count: Int, seed: Int = 0) -> Bytes {
        var bytes = [UInt8](repeating: 0, count: count)
        for position in 0..<count {
            bytes[position] = UInt8(truncatingIfNeeded: position &* 31 &+ position >> 8 &+ seed)
        }
        return Bytes(bytes)
    }
}
