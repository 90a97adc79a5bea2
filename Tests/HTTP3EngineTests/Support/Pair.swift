import HTTP3Engine
import NodeTransport

/// A client and a server with QUIC's streams between them: order within a stream, none among streams.
final class Pair {
    /// What is under way on one stream in one direction.
    private struct Flight {
        var bytes: ArraySlice<UInt8> = []
        var isFinal = false
        var isFinalDelivered = false
        var sentBytes = 0
        var window: Int
    }

    let client: Peer
    let server: Peer
    var random: Seeded
    /// The most that one delivery brings.
    var largestPiece = 1200
    /// What may be under way or unread on a stream.
    var windowBytes = Int.max
    /// Streams whose bytes stay under way.
    var held: Set<Int64> = []
    private var toServer: [Int64: Flight] = [:]
    private var toClient: [Int64: Flight] = [:]

    init(seed: UInt64, _ configuration: HTTP3Configuration = HTTP3Configuration()) {
        random = Seeded(seed)
        client = Peer(.client, configuration)
        server = Peer(.server, configuration)
    }

    /// Sends and delivers until nothing moves.
    func run() {
        var isMoving = true
        while isMoving {
            isMoving = send(from: client, &toServer)
            if send(from: server, &toClient) { isMoving = true }
            if deliver(to: server, from: client, &toServer) { isMoving = true }
            if deliver(to: client, from: server, &toClient) { isMoving = true }
        }
    }

    private func send(from peer: Peer, _ flights: inout [Int64: Flight]) -> Bool {
        var hasSent = false
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let capacity = Int.random(in: 1...16, using: &random)
            let isDone: Bool = peer.withSegments { segments in
                let room = UnsafeMutableBufferPointer(rebasing: segments[..<capacity])
                guard let write = try? peer.engine.nextWrite(into: room) else { return true }
                var flight = flights[write.stream] ?? Flight(window: windowBytes)
                let offered = Peer.bytes(room, write)
                let packet = Int.random(in: 1...largestPiece, using: &random)
                let count = min(offered.count, flight.window - flight.sentBytes, packet)
                guard count > 0 || offered.isEmpty else {
                    peer.engine.block(stream: write.stream)
                    return false
                }
                flight.bytes += offered[..<count]
                flight.sentBytes += count
                if count == offered.count, write.isFinal { flight.isFinal = true }
                flights[write.stream] = flight
                peer.engine.didWrite(stream: write.stream, byteCount: count, into: &peer.events)
                peer.deliver([])
                hasSent = true
                return false
            }
            if isDone { break }
        }
        return hasSent
    }

    private func deliver(to peer: Peer, from sender: Peer, _ flights: inout [Int64: Flight]) -> Bool {
        // Sorted, so that a seed decides everything.
        let ready = flights.filter { id, flight in
            !held.contains(id) && (!flight.bytes.isEmpty || flight.isFinal && !flight.isFinalDelivered)
        }.keys.sorted()
        for _ in 0..<min(ready.count, 32) {
            guard let id = ready.randomElement(using: &random), var flight = flights[id] else { break }
            if flight.bytes.isEmpty, !flight.isFinal || flight.isFinalDelivered { continue }
            let count = min(flight.bytes.count, Int.random(in: 1...largestPiece, using: &random))
            let piece = Array(flight.bytes.prefix(count))
            flight.bytes.removeFirst(count)
            // The end comes with the last bytes or by itself.
            let isFinal = flight.bytes.isEmpty && flight.isFinal && (piece.isEmpty || Bool.random(using: &random))
            flight.isFinalDelivered = isFinal
            flights[id] = flight
            peer.receive(id, piece, isFinal: isFinal)
            sender.engine.acknowledged(stream: id, byteCount: count)
        }
        var isOpened = false
        for (id, credit) in peer.credit where credit > 0 && windowBytes != Int.max {
            guard let flight = flights[id] else { continue }
            flights[id]?.window = min(flight.window, Int.max - credit) + credit
            sender.engine.unblock(stream: id)
            isOpened = true
        }
        peer.credit = [:]
        return !ready.isEmpty || isOpened
    }

    /// Closes a stream at both ends.
    func close(_ id: Int64) {
        client.notice { (engine, events) throws(HTTP3Error) in try engine.closed(stream: id, into: &events) }
        server.notice { (engine, events) throws(HTTP3Error) in try engine.closed(stream: id, into: &events) }
    }
}

/// SplitMix64.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A seed of its own for each run, printed by the test that fails.
    static var fresh: UInt64 { UInt64.random(in: 0...UInt64.max) }
}
