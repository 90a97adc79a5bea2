internal import NodeTransport

/// A server and a client of the transport under test, joined by one connection.
struct Rig: Sendable {
    let test: any TransportUnderTest
    let server: any Transport
    let client: any Transport
    let listener: any Listener
    let connection: any Connection

    /// Sets up a rig that serves `handlers`, runs `body`, and takes the rig down.
    static func with(
        _ test: any TransportUnderTest, serving handlers: [MethodHandler], datagrams: DatagramHandler? = nil,
        intercepting interceptors: (client: [any ClientInterceptor], server: [any ServerInterceptor]) = ([], []),
        _ body: (Rig) async throws -> Void
    ) async throws {
        let server = try await test.makeTransport()
        let client = try await test.makeTransport()
        let outcome: Result<Void, any Error>
        do {
            let service = ContractService(handlers: handlers, datagramHandler: datagrams)
            let listener = try await server.intercepted(server: interceptors.server)
                .listen(on: test.listenEndpoint, services: [service])
            let connection = try await client.intercepted(client: interceptors.client).connect(to: listener.endpoint)
            try await body(
                Rig(test: test, server: server, client: client, listener: listener, connection: connection))
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await client.shutdown(within: .zero)
        await server.shutdown(within: .zero)
        try outcome.get()
    }

    /// Opens `method` in bytes.
    func open<Shape, Request, Response>(
        _ method: Method<Shape, Request, Response>, as shape: RPCShapeKind = Shape.kind,
        metadata: Metadata = Metadata(), deadline: Deadline? = nil
    ) async throws -> any ClientCall {
        try await connection.open(
            CallHead(method: method.name, shape: shape, metadata: metadata, deadline: deadline))
    }

    /// Asks the server's ``ContractMethods/ask`` until it gives the same answer `times` in a row: what it tells about
    /// has come to rest.
    func settledAnswer(times: Int = 200) async throws -> Int {
        var last = ""
        var repeats = 0
        while repeats < times {
            let answer = try await connection.call(ContractMethods.ask, "")
            repeats = answer == last ? repeats + 1 : 0
            last = answer
        }
        return Int(last) ?? -1
    }
}

/// What a rig's server serves.
struct ContractService: Service {
    let handlers: [MethodHandler]
    var datagramHandler: DatagramHandler?
}

/// Runs `body`, which needs a port that nobody has after its listener has left it: up to three times, for meanwhile the
/// system may give the port to somebody else.
func withPortOfNobody(_ body: () async throws -> Void) async throws {
    for _ in 0..<2 {
        do {
            return try await body()
        } catch {
            if Task.isCancelled { throw error }
        }
    }
    try await body()
}
