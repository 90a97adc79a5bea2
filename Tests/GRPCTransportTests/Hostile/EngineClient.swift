import ForeignPeers
import HTTP2Engine
import NodeTransport

/// A client that speaks HTTP/2 well and says whatever a test wants on it. Used in ``blocking(_:)``.
final class EngineClient {
    /// What came back on a stream.
    struct Answer: Sendable, CustomStringConvertible {
        var head: [String: String] = [:]
        var trailers: [String: String] = [:]
        var content: [UInt8] = []
        var reset: HTTP2ErrorCode?

        /// A status, in trailers or alone.
        var status: String? { trailers["grpc-status"] ?? head["grpc-status"] }
        var message: String? { trailers["grpc-message"] ?? head["grpc-message"] }

        var description: String { "\(head) \(trailers) \(content.count) bytes, reset: \(reset?.description ?? "no")" }
    }

    private var engine: HTTP2Engine
    private let socket: RawSocket
    private var events = HTTP2Events()
    private var answers: [StreamHandle: Answer] = [:]
    private var finished: Set<StreamHandle> = []

    init(to endpoint: Endpoint) throws {
        var configuration = HTTP2Configuration()
        configuration.maxHeaderListBytes = 1 << 20
        engine = HTTP2Engine(role: .client, configuration: configuration)
        socket = try RawSocket(to: endpoint)
        engine.start()
        flush()
    }

    /// Begins a request with exactly these fields.
    func open(_ fields: [(String, String)], endStream: Bool = false) throws -> StreamHandle {
        let handle = try engine.openStream(
            prepared: [], extra: fields.map { HeaderPair(name: $0.0, value: $0.1) }, endStream: endStream)
        answers[handle] = Answer()
        flush()
        return handle
    }

    func send(_ content: [UInt8], on stream: StreamHandle, endStream: Bool) {
        engine.sendData(stream, payload: Bytes(content), endStream: endStream)
        flush()
    }

    func sendTrailers(_ fields: [(String, String)], on stream: StreamHandle) {
        engine.sendTrailers(stream, prepared: [], extra: fields.map { HeaderPair(name: $0.0, value: $0.1) })
        flush()
    }

    /// The answer, once the stream is over.
    func answer(on stream: StreamHandle) throws -> Answer {
        try receive { finished.contains(stream) }
        return answers[stream] ?? Answer()
    }

    /// Waits until the server has sent so much content.
    func awaitContent(_ count: Int, on stream: StreamHandle) throws {
        try receive { (answers[stream]?.content.count ?? 0) >= count }
    }

    private func receive(until isEnough: () -> Bool) throws {
        while !isEnough() {
            guard let bytes = try socket.receive() else {
                throw RawSocket.Failure(description: "the server closed the connection; so far: \(answers)")
            }
            bytes.withUnsafeBytes { engine.receive($0, now: 0, into: &events) }
            for event in events.list { note(event, bytes) }
            events.removeAll()
            flush()
        }
    }

    private func note(_ event: HTTP2Event, _ bytes: [UInt8]) {
        switch event {
        case .headers(let stream, let fields, _): answers[stream]?.head = dictionary(fields)
        case .trailers(let stream, let fields): answers[stream]?.trailers = dictionary(fields)
        case .data(let stream, let chunk, let flowBytes, _):
            answers[stream]?.content += bytes[chunk]
            engine.consume(stream, flowBytes)
        case .reset(let stream, let code, _): answers[stream]?.reset = code
        case .closed(let stream): finished.insert(stream)
        default: break
        }
    }

    private func dictionary(_ fields: Range<Int>) -> [String: String] {
        Dictionary(events.fields[fields].map { ($0.name, $0.value) }, uniquingKeysWith: { $0 + "," + $1 })
    }

    private func flush() {
        engine.fill(into: &events)
        while engine.hasOutput {
            engine.withOutput { segments in
                var count = 0
                for segment in segments {
                    count += segment.count
                    socket.send(Array(UnsafeRawBufferPointer(start: segment.pointer, count: segment.count)))
                }
                return count
            }
        }
    }
}
