internal import HTTP2Engine
internal import NodeTransport

/// One end of an HTTP/2 connection, and what a unary call needs of it.
final class HTTP2End {
    private var engine: HTTP2Engine
    private var events = HTTP2Events()
    private let request = GRPCFields.request.map { PreparedField(name: $0.name, value: $0.value) }
    private let response = GRPCFields.response.map { PreparedField(name: $0.name, value: $0.value) }
    private let trailers = GRPCFields.trailers.map { PreparedField(name: $0.name, value: $0.value) }
    private let message = Bytes([UInt8](repeating: 0x5a, count: 64))
    /// How many calls have come to their end here.
    private(set) var ended = 0
    private(set) var failure: String?

    init(_ role: HTTP2Role) {
        var configuration = HTTP2Configuration()
        // However many calls there are, no credit is due meanwhile.
        configuration.connectionWindowBytes = 0x7fff_ffff
        engine = HTTP2Engine(role: role, configuration: configuration)
        engine.start()
    }

    /// A request with one message of 64 bytes.
    func call() throws {
        let stream = try engine.openStream(prepared: request, endStream: false)
        send(on: stream, endStream: true)
    }

    private func send(on stream: StreamHandle, endStream: Bool) {
        engine.sendData(
            stream, prefix: UInt64(message.count) << 24, prefixCount: 5, payload: message, endStream: endStream)
    }

    /// Takes what the other end sent; a server answers each request.
    func receive(_ bytes: UnsafeRawBufferPointer) {
        engine.receive(bytes, now: 0, into: &events)
        for event in events.list {
            switch event {
            case .data(let stream, _, let count, let isLast):
                engine.consume(stream, count)
                guard isLast, engine.role == .server else { continue }
                engine.sendHeaders(stream, prepared: response, endStream: false)
                send(on: stream, endStream: false)
                engine.sendTrailers(stream, prepared: trailers)
            case .closed: ended += 1
            case .connectionFailed(_, let text): failure = events.text(text)
            default: break
            }
        }
        events.removeAll()
    }

    func receive(_ bytes: [UInt8]) { bytes.withUnsafeBytes(receive) }

    /// Gives what is to be sent to `body`, piece by piece.
    func send(_ body: (UnsafeRawBufferPointer) -> Void) {
        engine.fill(into: &events)
        while engine.hasOutput {
            engine.withOutput { segments in
                var count = 0
                for index in segments.indices {
                    body(UnsafeRawBufferPointer(start: segments[index].pointer, count: segments[index].count))
                    count += segments[index].count
                }
                return count
            }
        }
    }

    func output() -> [UInt8] {
        var bytes: [UInt8] = []
        send { bytes.append(contentsOf: $0) }
        return bytes
    }
}

/// Frames of one stream, which can be sent again as those of another.
struct StreamTemplate {
    private(set) var bytes: [UInt8]
    /// Where the streams' identifiers are.
    private let places: [Int]

    /// - Parameter frames: Whole frames, none of stream 0.
    init(_ frames: [UInt8]) throws {
        var places: [Int] = []
        var at = 0
        while at + 9 <= frames.count {
            places.append(at + 5)
            at += 9 + Int(frames[at]) << 16 + Int(frames[at + 1]) << 8 + Int(frames[at + 2])
        }
        guard at == frames.count, let place = places.first else { throw Unexpected("these are no whole frames") }
        bytes = frames
        self.places = places
        guard frames[place..<place + 4].contains(where: { $0 != 0 }) else {
            throw Unexpected("a frame is the connection's own")
        }
    }

    /// The frames as those of streams whose identifiers are greater by `distance`.
    mutating func move(by distance: UInt32) {
        bytes.withUnsafeMutableBytes { bytes in
            for place in places {
                let id = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self))
                bytes.storeBytes(of: (id &+ distance).bigEndian, toByteOffset: place, as: UInt32.self)
            }
        }
    }
}
