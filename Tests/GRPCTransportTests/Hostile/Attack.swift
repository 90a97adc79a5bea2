import NodeTransport
import Testing

@testable import GRPCTransport

/// Bytes that no well-behaved client sends, and what is to come back.
struct Attack: Sendable, CustomTestStringConvertible {
    enum Answer: Sendable {
        /// The connection ends with GOAWAY.
        case goAway(UInt32)
        /// The stream ends with RST_STREAM.
        case reset(stream: UInt32, UInt32)
    }

    let testDescription: String
    let answer: Answer
    /// What the server's event says; `nil` where the connection goes on.
    var event: String?
    var configure: @Sendable (inout GRPCTransport.Configuration) -> Void = { _ in }
    let bytes: @Sendable () -> [UInt8]

    private init(
        _ name: String, _ answer: Answer, event: String? = nil,
        configure: @escaping @Sendable (inout GRPCTransport.Configuration) -> Void = { _ in },
        _ bytes: @escaping @Sendable () -> [UInt8]
    ) {
        testDescription = name
        self.answer = answer
        self.event = event
        self.configure = configure
        self.bytes = bytes
    }

    /// The error codes of RFC 9113 §7.
    private enum Code {
        static let `protocol`: UInt32 = 1
        static let flowControl: UInt32 = 3
        static let streamClosed: UInt32 = 5
        static let frameSize: UInt32 = 6
        static let compression: UInt32 = 9
        static let calm: UInt32 = 11
    }

    static let all = beforeHTTP2 + frames + streams + floods + windows

    private static let beforeHTTP2 = [
        Attack("HTTP/1.1", .goAway(Code.protocol), event: "PROTOCOL_ERROR: the client's connection preface") {
            Array("GET /index.html HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n".utf8)
        },
        Attack("a TLS ClientHello", .goAway(Code.protocol), event: "the client's connection preface is missing") {
            [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3] + noise(512)
        },
        Attack("garbage", .goAway(Code.protocol), event: "the client's connection preface is missing") {
            noise(100_000)
        },
        Attack("preface, then garbage", .goAway(Code.frameSize), event: "FRAME_SIZE_ERROR") {
            Raw.preface + [UInt8](repeating: 0xff, count: 10_000)
        },
        Attack("preface, then a request", .goAway(Code.protocol), event: "the first frame is not SETTINGS") {
            Raw.preface + Raw.headers(1, Raw.request)
        },
    ]

    /// SETTINGS_MAX_FRAME_SIZE.
    private static let largestFrame = 1 << 20

    private static let frames = [
        Attack("a DATA frame over the limit", .goAway(Code.frameSize), event: "SETTINGS_MAX_FRAME_SIZE") {
            Raw.opening + Raw.headers(1, Raw.request) + Raw.data(1, [UInt8](repeating: 0, count: largestFrame + 1))
        },
        Attack("a HEADERS frame over the limit", .goAway(Code.frameSize), event: "SETTINGS_MAX_FRAME_SIZE") {
            Raw.opening + Raw.frame(1, flags: 4, stream: 1, [UInt8](repeating: 0x82, count: largestFrame + 1))
        },
        Attack("an unknown frame over the limit", .goAway(Code.frameSize), event: "SETTINGS_MAX_FRAME_SIZE") {
            Raw.opening + Raw.frame(0xfa, [UInt8](repeating: 0, count: largestFrame + 1))
        },
        Attack("half a setting", .goAway(Code.frameSize), event: "SETTINGS does not consist") {
            Raw.opening + Raw.frame(4, [0, 3, 0])
        },
        Attack("a push promise", .goAway(Code.protocol), event: "server push") {
            Raw.opening + Raw.frame(5, flags: 4, stream: 1, [0, 0, 0, 2, 0x82])
        },
        Attack("a header block that cannot be decoded", .goAway(Code.compression), event: "COMPRESSION_ERROR") {
            Raw.opening + Raw.frame(1, flags: 4, stream: 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])
        },
        Attack("a header block interrupted by PING", .goAway(Code.protocol), event: "a header block is interrupted") {
            Raw.opening + Raw.headers(1, Raw.request, endHeaders: false) + Raw.ping
        },
    ]

    private static let streams = [
        Attack("DATA before HEADERS", .goAway(Code.protocol), event: "DATA on an idle stream") {
            Raw.opening + Raw.data(1, Raw.message([1, 2, 3]), endStream: true)
        },
        Attack("RST_STREAM before HEADERS", .goAway(Code.protocol), event: "RST_STREAM on an idle stream") {
            Raw.opening + Raw.reset(7)
        },
        Attack("a request on an even stream", .goAway(Code.protocol), event: "even stream") {
            Raw.opening + Raw.headers(2, Raw.request)
        },
        Attack("a request on stream 0", .goAway(Code.protocol), event: "stream 0") {
            Raw.opening + Raw.headers(0, Raw.request)
        },
        Attack("a lower stream after a higher one", .goAway(Code.protocol), event: "lower than one before") {
            Raw.opening + Raw.headers(9, Raw.request) + Raw.headers(3, Raw.request)
        },
        Attack("DATA behind the request's end", .reset(stream: 1, Code.streamClosed)) {
            Raw.opening + Raw.headers(1, streaming, endStream: true) + Raw.data(1, Raw.message([1]))
        },
        Attack("a request without path", .reset(stream: 1, Code.protocol)) {
            Raw.opening + Raw.headers(1, Raw.request.filter { $0.0 != ":path" }, endStream: true)
        },
        Attack("a name in capitals", .reset(stream: 1, Code.protocol)) {
            Raw.opening + Raw.headers(1, Raw.request + [("X-Shout", "1")], endStream: true)
        },
        Attack("a field of the connection", .reset(stream: 1, Code.protocol)) {
            Raw.opening + Raw.headers(1, Raw.request + [("connection", "close")], endStream: true)
        },
    ]

    private static let floods = [
        Attack("CONTINUATION without end", .goAway(Code.calm), event: "too much in CONTINUATION frames") {
            var bytes = Raw.opening + Raw.headers(1, Raw.request, endHeaders: false)
            let fragment = Raw.block([("x-flood", String(repeating: "x", count: 100))])
            for _ in 0..<5000 { bytes += Raw.continuation(1, fragment) }
            return bytes
        },
        Attack("empty CONTINUATION without end", .goAway(Code.calm), event: "too much in CONTINUATION frames") {
            var bytes = Raw.opening + Raw.headers(1, Raw.request, endHeaders: false)
            for _ in 0..<5000 { bytes += Raw.continuation(1, []) }
            return bytes
        },
        Attack("rapid reset", .goAway(Code.calm), event: "too many streams were reset") {
            var bytes = Raw.opening
            for index in 0..<5000 {
                let stream = UInt32(index * 2 + 1)
                bytes += Raw.headers(stream, streaming) + Raw.reset(stream)
            }
            return bytes
        },
        Attack("malformed requests without end", .goAway(Code.calm), event: "ENHANCE_YOUR_CALM") {
            var bytes = Raw.opening
            for index in 0..<5000 { bytes += Raw.headers(UInt32(index * 2 + 1), [(":method", "POST")]) }
            return bytes
        },
        Attack("more calls than are allowed, without end", .goAway(Code.calm), event: "ENHANCE_YOUR_CALM") {
            var bytes = Raw.opening + Raw.settingsAcknowledgement
            for index in 0..<5000 { bytes += Raw.headers(UInt32(index * 2 + 1), streaming) }
            return bytes
        },
        Attack("SETTINGS without end", .goAway(Code.calm), event: "ENHANCE_YOUR_CALM") {
            Raw.opening + repeated(Raw.settings([(4, 65_536)]), 5000)
        },
        Attack("PING without end", .goAway(Code.calm), event: "the peer sends but does not read") {
            Raw.opening + repeated(Raw.ping, 60_000)
        },
        Attack("empty DATA without end", .goAway(Code.calm), event: "ENHANCE_YOUR_CALM") {
            Raw.opening + Raw.headers(1, streaming) + repeated(Raw.data(1, []), 5000)
        },
    ]

    private static let windows = [
        Attack("a window of the connection over 2^31 − 1", .goAway(Code.flowControl), event: "larger than 2^31") {
            Raw.opening + Raw.windowUpdate(0, 0x7fff_ffff)
        },
        Attack("a window of a stream over 2^31 − 1", .reset(stream: 1, Code.flowControl)) {
            Raw.opening + Raw.headers(1, streaming) + Raw.windowUpdate(1, 0x7fff_ffff)
        },
        Attack("initial windows over 2^31 − 1", .goAway(Code.flowControl), event: "FLOW_CONTROL_ERROR") {
            Raw.preface + Raw.settings([(4, 0x8000_0000)])
        },
        Attack("WINDOW_UPDATE by nothing", .goAway(Code.protocol), event: "WINDOW_UPDATE by 0") {
            Raw.opening + Raw.windowUpdate(0, 0)
        },
        Attack(
            "more content than the stream's window", .reset(stream: 1, Code.flowControl),
            configure: { $0.streamWindowBytes = 65_535 }
        ) {
            // Its handler reads nothing, so no credit comes back.
            var bytes = Raw.opening + Raw.headers(1, Raw.request(to: DeafService.path))
            for _ in 0..<5 { bytes += Raw.data(1, Raw.message([UInt8](repeating: 7, count: 16_000))) }
            return bytes
        },
    ]

    private static let streaming = Raw.request(to: "/echo.Echo/Bidi")

    private static func repeated(_ frame: [UInt8], _ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<count { bytes += frame }
        return bytes
    }

    /// Bytes that look random and are the same in each run.
    private static func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }
}

/// Methods whose handlers read nothing.
struct DeafService: Service {
    static let method = Method<Bidirectional, Bytes, Bytes>("test.Deaf", "Listen", request: .bytes, response: .bytes)
    static let path = "/test.Deaf/Listen"

    var handlers: [MethodHandler] { [Self.method.handle { _, _, _ in try await untilCancelled() }] }
}

/// Waits until the task is cancelled.
func untilCancelled() async throws {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    await withTaskCancellationHandler {
        for await _ in stream {}
    } onCancel: {
        continuation.finish()
    }
    throw CancellationError()
}
