// Plain HTTP/3: a server with `GET /poh_ack?id=123`, as any HTTP/3 client may ask it, and a client. Then a body that goes up
// and comes back in pieces, of which neither side holds more than the stream's window.
//
//     swift run http3-get

import Glibc
import NodeTransport
import QUICTransport
import TransportTLS

func makeRoutes() -> HTTP3Routes {
    var routes = HTTP3Routes()
    // The whole request, and the whole answer.
    routes["/poh_ack"] = { request in
        guard let id = request.query("id") else { return HTTP3Response(status: 400, text: "which id?") }
        return HTTP3Response(text: "acknowledged \(id)")
    }
    // As it comes: what is read slowly here is sent slowly there.
    routes.stream("/copy") { _, body in HTTP3StreamedResponse(body: HTTP3Body(body)) }
    return routes
}

/// Two nodes that know each other's keys and need no authority.
func makeTransports() throws -> (server: QUICTransport, client: QUICTransport) {
    let authority = try DevelopmentCA.create()
    func identity(_ name: String) throws -> Identity {
        let issued = try authority.issue(name: name, ipAddresses: ["127.0.0.1"])
        return try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
    }
    let (a, b) = (try identity("node-a"), try identity("node-b"))
    return (
        try QUICTransport(identity: a, trust: .pinned([.publicKey(b.publicKeyFingerprint)])),
        try QUICTransport(identity: b, trust: .pinned([.publicKey(a.publicKeyFingerprint)]))
    )
}

func get(_ client: HTTP3Client) async throws {
    for path in ["/poh_ack?id=123", "/poh_ack", "/nothing"] {
        let answer = try await client.get(path, deadline: .after(.seconds(2)))
        print("GET \(path) → \(answer.status) \(String(decoding: answer.body, as: UTF8.self))")
    }
}

func copy(_ client: HTTP3Client) async throws {
    let piece = Bytes([UInt8](repeating: 7, count: 64 << 10))
    let body = HTTP3Body(length: 256 * piece.count) { writer in
        for _ in 0..<256 { try await writer.write(piece) }
    }
    let response = try await client.request(
        HTTP3Request(method: "POST", path: "/copy"), body: body, deadline: .after(.seconds(30)))
    var (byteCount, pieces) = (0, 0)
    for try await piece in response.body {
        byteCount += piece.count
        pieces += 1
    }
    print("POST /copy → \(response.status), \(byteCount >> 20) MiB came back in \(pieces > 1 ? "pieces" : "one piece")")
}

var exitCode: Int32 = 0
let (server, client) = try makeTransports()
do {
    let listener = try await server.listen(
        on: Endpoint(parsing: "quic://127.0.0.1:0"), serving: ServiceTable([]), routes: makeRoutes())
    let connection = try await client.connect(to: listener.endpoint)
    print("connected to \(connection.endpoint)")
    if let http = HTTP3Client(connection) {
        try await get(http)
        try await copy(http)
    }
} catch {
    print("failed: \(error)")
    exitCode = 1
}
await client.shutdown()
await server.shutdown()
print("both are shut down")
exit(exitCode)
