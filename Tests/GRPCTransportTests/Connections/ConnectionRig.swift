import ForeignPeers
import GRPCTransport
import NodeTransport

/// A server and a client of ours with one connection between them.
struct ConnectionRig: Sendable {
    let server: GRPCTransport
    let client: GRPCTransport
    let listener: any Listener
    let connection: any Connection

    static func run(
        _ security: GRPCTransport.Security = .plaintext, services: [any Service] = [EchoService()],
        server configureServer: (inout GRPCTransport.Configuration) -> Void = { _ in },
        client configureClient: (inout GRPCTransport.Configuration) -> Void = { _ in },
        _ body: (ConnectionRig) async throws -> Void
    ) async throws {
        var configuration = GRPCTransport.Configuration()
        configureServer(&configuration)
        let server = try GRPCTransport(security: security, configuration: configuration)
        configuration = GRPCTransport.Configuration()
        configureClient(&configuration)
        let client = try GRPCTransport(security: security, configuration: configuration)
        let outcome = await Result {
            let listener = try await server.listen(on: "grpc://127.0.0.1:0", services: services)
            let connection = try await client.connect(to: listener.endpoint)
            try await body(
                ConnectionRig(server: server, client: client, listener: listener, connection: connection))
        }
        await client.shutdown(within: .zero)
        await server.shutdown(within: .zero)
        try outcome.get()
    }

    static var mutualTLS: GRPCTransport.Security {
        .mutualTLS(identity: TestIdentities.shared.node, trust: TestIdentities.shared.trust)
    }

    /// Begins a call in bytes.
    func open<Shape, Request, Response>(
        _ method: Method<Shape, Request, Response>, deadline: Deadline? = nil
    ) async throws -> any ClientCall {
        try await connection.open(
            CallHead(method: method.name, shape: Shape.kind, metadata: Metadata(), deadline: deadline))
    }
}

/// Plays a server by hand; the steps run in ``blocking(_:)``.
struct ScriptedServer {
    var frames: FrameReader
    let socket: RawSocket

    /// Accepts a client and shakes hands with it.
    init(on listener: RawListener, settings: [(UInt16, UInt32)] = []) throws {
        socket = try listener.accept()
        frames = FrameReader(socket)
        try frames.readPreface()
        socket.send(Raw.settings(settings) + Raw.settingsAcknowledgement)
    }

    mutating func next(_ type: UInt8) throws -> RawFrame {
        guard let frame = try frames.next(type) else { throw RawSocket.Failure(description: "the client has closed") }
        return frame
    }

    /// The streams of the next `count` requests whose end has come.
    mutating func requests(_ count: Int) throws -> [UInt32] {
        var streams: [UInt32] = []
        while streams.count < count {
            guard let frame = try frames.next() else { throw RawSocket.Failure(description: "the client has closed") }
            let mayEnd = frame.type == RawFrame.Kind.data || frame.type == RawFrame.Kind.headers
            if mayEnd, frame.flags & 1 == 1 { streams.append(frame.stream) }
        }
        return streams
    }

    /// Answers a frame if it is a ping that wants an answer.
    func answer(ping frame: RawFrame) {
        guard frame.type == RawFrame.Kind.ping, !frame.isAcknowledgement else { return }
        socket.send(Raw.frame(RawFrame.Kind.ping, flags: 1, frame.payload))
    }

    /// Waits for the client's end, whatever it sends until then.
    mutating func awaitEnd() throws {
        while try frames.next() != nil {}
    }
}

extension TransportError {
    /// The error of `body`, which must be one of ours.
    static func thrown(_ body: () async throws -> Void) async throws -> TransportError {
        do {
            try await body()
        } catch let error as TransportError {
            return error
        }
        throw RawSocket.Failure(description: "nothing was thrown")
    }
}

/// A message of `count` bytes that are not all alike.
func pattern(_ count: Int) -> Bytes {
    let block = Bytes((0..<1021).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) })
    var builder = BytesBuilder(capacity: count)
    while builder.count + block.count <= count { builder.append(block) }
    builder.append(block.slice(0..<count - builder.count))
    return builder.finish()
}
