import ForeignPeers
import NodeTransport
import QUICTransport
import Testing

/// Plain HTTP/3 beside gRPC, on one port.
@Suite(.timeLimit(.minutes(1))) struct HTTPTests {
    private func withServer(_ body: (HTTP3Client, any Connection) async throws -> Void) async throws {
        let tls = TestIdentities.shared.mutual
        let (server, client) = (try QUICTransport(tls: tls), try QUICTransport(tls: tls))
        var routes = HTTP3Routes()
        routes["/poh_ack"] = { request in
            HTTP3Response(text: "\(request.method) \(request.query("id") ?? "none") \(request.peer != nil)")
        }
        routes["/echo"] = { request in
            HTTP3Response(status: 201, headers: [("x-length", "\(request.body.count)")], body: request.body)
        }
        routes["/fails"] = { _ in throw CancellationError() }
        let listener = try await server.listen(
            on: Endpoint(parsing: "quic://127.0.0.1:0"), serving: ServiceTable([RigService()]), routes: routes)
        let outcome = await Result {
            let connection = try await client.connect(to: listener.endpoint)
            try await body(try #require(HTTP3Client(connection)), connection)
        }
        await client.shutdown(within: .zero)
        await server.shutdown(within: .zero)
        try outcome.get()
    }

    @Test func `a route answers a GET with what stands in the query`() async throws {
        try await withServer { client, connection in
            let answer = try await client.get("/poh_ack?x=1&id=a%20b+%C3%A4")
            #expect(answer.status == 200)
            #expect(String(decoding: answer.body, as: UTF8.self) == "GET a b ä true")
            #expect(try await connection.call(RigMethods.unary, Bytes(utf8: "x")) == Bytes(utf8: "x"))
        }
    }

    @Test(arguments: [0, 1, 70_000, 3 << 20]) func `a route answers a POST`(size: Int) async throws {
        try await withServer { client, _ in
            let body = Bytes([UInt8](repeating: 9, count: size))
            let answer = try await client.post("/echo", headers: [("content-type", "text/plain")], body: body)
            #expect(answer.status == 201)
            #expect(answer.body == body)
            #expect(answer.headers.contains { $0.name == "x-length" && $0.value == "\(size)" })
        }
    }

    @Test func `what is not served, fails or is too large is answered as HTTP says`() async throws {
        try await withServer { client, _ in
            let large = Bytes([UInt8](repeating: 9, count: (4 << 20) + 1))
            let answers = [
                try await client.get("/nothing"), try await client.get("/fails"),
                try await client.post("/echo", body: large), try await client.get("/poh_ack"),
            ]
            #expect(answers.map(\.status) == [404, 500, 413, 200])
        }
    }
}
