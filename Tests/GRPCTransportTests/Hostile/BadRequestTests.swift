import ForeignPeers
import NodeTransport
import Testing

@testable import GRPCTransport

/// Requests that are good HTTP/2 and bad gRPC get the status that gRPC's specification says, on a connection that
/// goes on.
@Suite(.timeLimit(.minutes(5)), .serialized) struct BadRequestTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var fields = Raw.request
        var content: [UInt8]?
        var httpStatus = "200"
        var status: StatusCode?
        var message = ""
        var head: [String: String] = [:]
    }

    /// The usual request, with some fields changed, taken out (`nil`) or added.
    private static func request(_ changes: (String, String?)...) -> [(String, String)] {
        var fields = Raw.request.compactMap { field -> (String, String)? in
            guard let change = changes.first(where: { $0.0 == field.0 }) else { return field }
            return change.1.map { (field.0, $0) }
        }
        for (name, value) in changes {
            if let value, !Raw.request.contains(where: { $0.0 == name }) { fields.append((name, value)) }
        }
        return fields
    }

    static let notGRPC: [Case] = [
        Case(testDescription: "GET", fields: request((":method", "GET")), httpStatus: "405"),
        Case(testDescription: "HEAD", fields: request((":method", "HEAD")), httpStatus: "405"),
        Case(
            testDescription: "CONNECT", fields: [(":method", "CONNECT"), (":authority", "elsewhere:443")],
            httpStatus: "405"),
        Case(testDescription: "no content-type", fields: request(("content-type", nil)), httpStatus: "415"),
        Case(testDescription: "JSON", fields: request(("content-type", "application/json")), httpStatus: "415"),
        Case(testDescription: "gRPC-Web", fields: request(("content-type", "application/grpc-web")), httpStatus: "415"),
    ]

    static let badHeads: [Case] = [
        Case(
            testDescription: "unknown method", fields: request((":path", "/echo.Echo/None")), status: .unimplemented,
            message: "/echo.Echo/None: unknown method"),
        Case(
            testDescription: "unknown service", fields: request((":path", "/none.None/Unary")), status: .unimplemented,
            message: "/none.None/Unary: unknown service"),
        Case(
            testDescription: "a path that is none", fields: request((":path", "*")), status: .unimplemented,
            message: "*: unknown service"),
        Case(
            testDescription: "a timeout that is none", fields: request(("grpc-timeout", "soon")), status: .internal,
            message: "malformed grpc-timeout \"soon\""),
        Case(
            testDescription: "a timeout of nine digits", fields: request(("grpc-timeout", "123456789S")),
            status: .internal, message: "malformed grpc-timeout"),
        Case(
            testDescription: "a negative timeout", fields: request(("grpc-timeout", "-1S")), status: .internal,
            message: "malformed grpc-timeout"),
        Case(
            testDescription: "a timeout of nothing", fields: request(("grpc-timeout", "0n")), status: .deadlineExceeded,
            message: "the deadline had passed"),
        Case(
            testDescription: "compressed with gzip", fields: request(("grpc-encoding", "gzip")), status: .unimplemented,
            message: "the encoding \"gzip\" is not supported", head: ["grpc-accept-encoding": "identity"]),
        Case(
            testDescription: "a header list over the limit",
            fields: Raw.request + (0..<600).map { ("x-\($0)", "value") }, status: .resourceExhausted,
            message: "the header list is over the limit of 16384 bytes"),
        Case(
            testDescription: "one long field over the limit",
            fields: request(("x-long", String(repeating: "x", count: 20_000))), status: .resourceExhausted,
            message: "the header list is over the limit of 16384 bytes"),
    ]

    static let badContent: [Case] = [
        Case(
            testDescription: "a message of 4 GiB is announced", content: [0, 0xff, 0xff, 0xff, 0xff],
            status: .resourceExhausted, message: "a message of 4294967295 bytes is over the limit of 4194304 bytes"),
        Case(
            testDescription: "the request ends within a message", content: [0, 0, 0, 0, 9, 1, 2, 3], status: .internal,
            message: "the request ended within a message"),
        Case(
            testDescription: "the request ends within a prefix", content: [0, 0, 0], status: .internal,
            message: "the request ended within a message"),
        Case(
            testDescription: "a compressed message", content: [1, 0, 0, 0, 1, 7], status: .unimplemented,
            message: "the message is compressed"),
        Case(
            testDescription: "a flag that does not exist", content: [7, 0, 0, 0, 1, 7], status: .internal,
            message: "a message begins with flag 7"),
        Case(
            testDescription: "no message for a unary method", content: [], status: .unimplemented,
            message: "/echo.Echo/Unary takes one request, none was sent"),
        Case(
            testDescription: "two messages for a unary method", content: Raw.message([1]) + Raw.message([2]),
            status: .unimplemented, message: "/echo.Echo/Unary takes one request, more were sent"),
    ]

    @Test(arguments: notGRPC + badHeads + badContent)
    func `is answered as gRPC says`(_ bad: Case) async throws {
        try await HostileRig.run { rig in
            let endpoint = rig.endpoint
            let (answer, next) = try await blocking {
                let client = try EngineClient(to: endpoint)
                let stream = try client.open(bad.fields)
                client.send(bad.content ?? Raw.message([1, 2, 3]), on: stream, endStream: true)
                let answer = try client.answer(on: stream)
                // The connection goes on.
                let nextStream = try client.open(Raw.request)
                client.send(Raw.message([4, 5]), on: nextStream, endStream: true)
                return (answer, try client.answer(on: nextStream))
            }
            #expect(answer.head[":status"] == bad.httpStatus, "\(answer)")
            #expect(answer.status == bad.status.map { "\($0.rawValue)" }, "\(answer)")
            #expect((answer.message ?? "").hasPrefix(bad.message), "\(answer)")
            for (name, value) in bad.head { #expect(answer.head[name] == value, "\(answer)") }
            #expect(next.status == "0" && next.content == Raw.message([4, 5]), "\(next)")
        }
    }

    /// A handler that has answered already must not be left waiting when the request's end is refused.
    @Test func `trailers over the limit end a call that has begun to answer`() async throws {
        try await HostileRig.run { rig in
            let endpoint = rig.endpoint
            let answer = try await blocking {
                let client = try EngineClient(to: endpoint)
                let stream = try client.open(Raw.request(to: "/echo.Echo/Bidi"))
                client.send(Raw.message([1]), on: stream, endStream: false)
                try client.awaitContent(6, on: stream)
                client.sendTrailers((0..<600).map { ("x-\($0)", "value") }, on: stream)
                return try client.answer(on: stream)
            }
            #expect(answer.content == Raw.message([1]))
            #expect(answer.status == "8", "\(answer)")
        }
    }

    @Test func `a client that closes in the middle of its request leaves nothing behind`() async throws {
        try await HostileRig.run { rig in
            let endpoint = rig.endpoint
            for content in [[], [0, 0], [0, 0, 1, 0, 0, 1, 2, 3]] as [[UInt8]] {
                try await blocking {
                    let socket = try RawSocket(to: endpoint)
                    socket.send(Raw.opening + Raw.headers(1, Raw.request) + Raw.data(1, content))
                    socket.closeWriting()
                    _ = try socket.drain()
                }
            }
            let event = await rig.events.first { $0.kind == .connectionClosed && $0.error != nil }
            #expect(event.description.contains("the peer closed the connection"), "\(event)")
        }
    }
}
