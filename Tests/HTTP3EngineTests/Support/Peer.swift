import HTTP3Engine
import NodeTransport

/// What one side has seen of one stream.
struct Received {
    var headers: [[String]] = []
    var informational: [[String]] = []
    var trailers: [String]?
    var content: [UInt8] = []
    var isEnded = false
    var isClosed = false
    var failure: HTTP3ErrorCode?
    var reset: HTTP3ErrorCode?
    var stopSending: HTTP3ErrorCode?
    var isUnprocessed = false
    var isRejected = false
    var isTooLarge = false
    var drainedCount = 0
}

/// An engine with what its owner keeps.
final class Peer {
    var engine: HTTP3Connection
    var events = HTTP3Events()
    var streams: [Int64: Received] = [:]
    var refused: [Int64: HTTP3ErrorCode] = [:]
    var goAways: [UInt64] = []
    var error: HTTP3Error?
    /// Called with each event, after it has been recorded.
    var onEvent: ((Peer, HTTP3Event) -> Void)?
    /// Credit that goes back to the other side, by stream.
    var credit: [Int64: Int] = [:]
    /// Does not give the credit of content back by itself.
    var withholdsCredit = false

    init(_ role: HTTP3Role, _ configuration: HTTP3Configuration = HTTP3Configuration(), isBound: Bool = true) {
        engine = HTTP3Connection(role: role, configuration: configuration)
        let first: Int64 = role == .client ? 2 : 3
        if isBound { engine.bind(control: first, qpackEncoder: first + 4, qpackDecoder: first + 8) }
    }

    func receive(_ stream: Int64, _ bytes: [UInt8], isFinal: Bool = false) {
        guard error == nil else { return }
        do throws(HTTP3Error) {
            let count = try engine.receive(stream: stream, bytes.span.bytes, isFinal: isFinal, into: &events)
            credit[stream, default: 0] += count
        } catch {
            self.error = error
        }
        deliver(bytes)
    }

    func notice(_ body: (inout HTTP3Connection, inout HTTP3Events) throws(HTTP3Error) -> Void) {
        guard error == nil else { return }
        do throws(HTTP3Error) {
            try body(&engine, &events)
        } catch {
            self.error = error
        }
        deliver([])
    }

    func deliver(_ input: [UInt8]) {
        let batch = events
        events.removeAll()
        for event in batch.list {
            record(event, batch, input)
            onEvent?(self, event)
        }
    }

    private func record(_ event: HTTP3Event, _ batch: HTTP3Events, _ input: [UInt8]) {
        func texts(_ range: Range<Int>) -> [String] { batch.fields[range].map { "\($0.name): \($0.value)" } }
        switch event {
        case .headers(let id, let fields, _): streams[id, default: Received()].headers.append(texts(fields))
        case .informational(let id, let fields): streams[id, default: Received()].informational.append(texts(fields))
        case .data(let id, let content):
            streams[id, default: Received()].content += Array(content.bytes(of: input.span.bytes))
            if !withholdsCredit { credit[id, default: 0] += content.count }
        case .trailers(let id, let fields): streams[id, default: Received()].trailers = texts(fields)
        case .end(let id): streams[id, default: Received()].isEnded = true
        case .headersTooLarge(let id): streams[id, default: Received()].isTooLarge = true
        case .failed(let id, let code, _): streams[id, default: Received()].failure = code
        case .rejected(let id): streams[id, default: Received()].isRejected = true
        case .unprocessed(let id): streams[id, default: Received()].isUnprocessed = true
        case .reset(let id, let code): streams[id, default: Received()].reset = code
        case .stopSending(let id, let code): streams[id, default: Received()].stopSending = code
        case .refuseStream(let id, let code): refused[id] = code
        case .consumed(let id, let count): credit[id, default: 0] += count
        case .drained(let id): streams[id, default: Received()].drainedCount += 1
        case .closed(let id): streams[id, default: Received()].isClosed = true
        case .settingsReceived: break
        case .goAway(let id): goAways.append(id)
        }
    }

    /// Everything that the engine sends now, by stream, as if QUIC took it at once.
    func takeOutput() -> [Int64: [UInt8]] {
        var output: [Int64: [UInt8]] = [:]
        withSegments { segments in
            while let write = try? engine.nextWrite(into: segments) {
                output[write.stream, default: []] += Self.bytes(segments, write)
                engine.didWrite(stream: write.stream, byteCount: write.byteCount, into: &events)
            }
        }
        return output
    }

    func withSegments<Result>(_ body: (UnsafeMutableBufferPointer<OutputSegment>) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: OutputSegment.self, capacity: 16, body)
    }

    static func bytes(_ segments: UnsafeMutableBufferPointer<OutputSegment>, _ write: HTTP3Write) -> [UInt8] {
        (0..<write.segmentCount).flatMap {
            Array(UnsafeRawBufferPointer(start: segments[$0].pointer, count: segments[$0].count))
        }
    }
}

/// The header section of a call as gRPC makes it.
enum Fields {
    static func request(_ path: String = "/echo.Echo/Unary", method: String = "POST") -> [PreparedField] {
        [
            PreparedField(name: ":method", value: method), PreparedField(name: ":scheme", value: "https"),
            PreparedField(name: ":path", value: path), PreparedField(name: ":authority", value: "node-7.example:4433"),
            PreparedField(name: "te", value: "trailers"),
            PreparedField(name: "content-type", value: "application/grpc"),
            PreparedField(name: "user-agent", value: "swift-node-transport/0.1"),
        ]
    }

    static func response(_ status: String = "200") -> [PreparedField] {
        [
            PreparedField(name: ":status", value: status),
            PreparedField(name: "content-type", value: "application/grpc"),
        ]
    }

    static let trailers = [HeaderPair(name: "grpc-status", value: "0"), HeaderPair(name: "grpc-message", value: "")]
}
