internal import Dispatch
internal import Foundation
internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import NIOPosix

struct Server {
    private let options: Options

    init(_ options: Options) { self.options = options }

    func run() async throws {
        var security = HTTP2ServerTransport.Posix.TransportSecurity.plaintext
        if options.wire == "grpc-tls" {
            security = .tls(
                certificateChain: [.file(path: options.needed("cert"), format: .pem)],
                privateKey: .file(path: options.needed("key"), format: .pem))
        }
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: Int(options.number("port", 0))), transportSecurity: security,
            config: .defaults { $0.http2.maxConcurrentStreams = 1024 },
            eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: options.threads))
        let server = GRPCServer(transport: transport, router: Self.router)
        signal(SIGTERM, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGTERM)
        source.setEventHandler { exit(0) }
        source.resume()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            print("LISTENING \(try await transport.listeningAddress.ipv4?.port ?? 0)")
            fflush(nil)
            try await group.waitForAll()
        }
    }

    private static var router: RPCRouter<HTTP2ServerTransport.Posix> {
        var router = RPCRouter<HTTP2ServerTransport.Posix>()
        let codec = MessageCodec()
        func register(
            _ method: MethodDescriptor,
            _ handler:
                @escaping @Sendable (StreamingServerRequest<Message>) async throws -> StreamingServerResponse<Message>
        ) {
            router.registerHandler(forMethod: method, deserializer: codec, serializer: codec) { request, _ in
                try await handler(request)
            }
        }
        register(Echo.unary) { request in
            let single = try await ServerRequest(stream: request)
            return StreamingServerResponse(single: ServerResponse(message: single.message))
        }
        register(Echo.clientStream) { request in
            var (bytes, count) = (0, 0)
            for try await message in request.messages {
                bytes += message.count
                count += 1
            }
            let answer = Message(bigEndian(bytes, byteCount: 8) + bigEndian(count, byteCount: 8))
            return StreamingServerResponse(single: ServerResponse(message: answer))
        }
        register(Echo.serverStream) { request in
            let single = try await ServerRequest(stream: request)
            let payload = single.message.withUnsafeBytes { Message($0.dropFirst(4)) }
            return StreamingServerResponse { writer in
                try await writer.write(contentsOf: repeatElement(payload, count: single.message.number(byteCount: 4)))
                return [:]
            }
        }
        register(Echo.bidi) { request in
            StreamingServerResponse { writer in
                for try await message in request.messages { try await writer.write(message) }
                return [:]
            }
        }
        return router
    }
}
