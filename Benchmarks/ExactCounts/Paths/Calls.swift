internal import EventLoops
internal import GRPCTransport
internal import Glibc
internal import NodeTransport
internal import TransportResilience

extension MeasuredPath {
    /// Whole unary calls of 64 bytes, client and server on one event loop, over a socket of the machine: what the kernel
    /// does is not counted.
    static var calls: [MeasuredPath] {
        [
            MeasuredPath("grpc:unary:64B:c1") { passes in
                try overSocket { try await EchoMethod.call($0, passes) }
            },
            MeasuredPath("grpc:unary:64B:c100", passes: 4_000) { passes in
                try overSocket { connection in
                    try await withThrowingDiscardingTaskGroup { group in
                        for _ in 0..<100 { group.addTask { try await EchoMethod.call(connection, passes / 100) } }
                    }
                }
            },
        ]
    }

    /// The same with all that `.node` puts around the client, on the same wire and on one that does nothing.
    static var resilience: [MeasuredPath] {
        [
            MeasuredPath("grpc:unary:64B:c1:node") { passes in
                try overSocket(wrap: resilient) { try await EchoMethod.call($0, passes) }
            },
            MeasuredPath("null:unary:64B") { passes in
                try SingleLoop.run { _ in
                    try await EchoMethod.call(NullTransport().connect(to: Endpoint(parsing: "memory://null")), passes)
                }
            },
            MeasuredPath("null:unary:64B:node") { passes in
                try SingleLoop.run { loops in
                    let transport = resilient(NullTransport(), loops)
                    try await EchoMethod.call(transport.connect(to: Endpoint(parsing: "memory://null")), passes)
                }
            },
        ]
    }

    @Sendable private static func resilient(_ transport: any Transport, _ loops: EventLoopGroup) -> any Transport {
        var profile = ResilienceProfile.node
        profile.channel.executor = loops.loops[0].taskExecutor
        return transport.resilient(profile)
    }

    private static func overSocket(
        wrap: @escaping @Sendable (any Transport, EventLoopGroup) -> any Transport = { transport, _ in transport },
        call: @escaping @Sendable (any Connection) async throws -> Void
    ) throws {
        try withSocketPath { path in
            try SingleLoop.run { loops in
                let server = try GRPCTransport(security: .plaintext, loops: loops)
                let listener = try await server.listen(
                    on: Endpoint(parsing: "unix://\(path)"), services: [EchoMethod.Service()])
                let client = wrap(try GRPCTransport(security: .plaintext, loops: loops), loops)
                let connection = try await client.connect(to: listener.endpoint)
                try await EchoMethod.call(connection, 2)
                try await call(connection)
            }
        }
    }

    /// A place for a Unix socket; its bytes are with the receiver as soon as they are sent.
    static func withSocketPath(_ body: (String) throws -> Void) throws {
        let folder = "/tmp/exact-counts-\(getpid())"
        guard mkdir(folder, 0o700) == 0 else { throw Unexpected("cannot make \(folder)") }
        defer {
            unlink("\(folder)/socket")
            rmdir(folder)
        }
        try body("\(folder)/socket")
    }
}
