#if canImport(QUICTransport)
    internal import NodeTransport
    internal import QUICTransport
    internal import TransportSimulation
    internal import TransportTestKit
    internal import TransportTLS

    extension MeasuredPath {
        /// Whole unary calls of 64 bytes over HTTP/3 and QUIC, client and server in a simulated world: one thread, virtual
        /// time, and a network in the kernel's place. The network is counted too.
        static var simulated: [MeasuredPath] {
            [
                MeasuredPath("h3:unary:64B:c1", passes: 500) { passes in try inWorld(passes, concurrency: 1) },
                MeasuredPath("h3:unary:64B:c100", passes: 4_000) { passes in
                    try inWorld(passes, concurrency: 100)
                },
            ]
        }

        private static func inWorld(_ passes: Int, concurrency: Int) throws {
            let tls = try Certificate("server").tls
            try SingleLoop.run { _ in
                try await SimulatedWorld.run(seed: 1, timeLimit: .seconds(1_000_000)) { world in
                    world.network.setDefaultConditions(LinkConditions(delay: .microseconds(50)))
                    let configuration = QUICTransport.Configuration()
                    let server = try QUICTransport(
                        tls: tls, configuration: configuration, loops: world.machine("server").loops)
                    _ = try await server.listen(
                        on: Endpoint(parsing: "quic://server:4433"), services: [EchoMethod.Service()])
                    let client = try QUICTransport(
                        tls: tls, configuration: configuration, loops: world.machine("client").loops)
                    let connection = try await client.connect(to: Endpoint(parsing: "quic://server:4433"))
                    try await EchoMethod.call(connection, 2)
                    try await withThrowingDiscardingTaskGroup { group in
                        for _ in 0..<concurrency {
                            group.addTask { try await EchoMethod.call(connection, passes / concurrency) }
                        }
                    }
                    await client.shutdown(within: .zero)
                    await server.shutdown(within: .zero)
                }
            }
        }
    }
#endif
