// An echo service over QUIC: calls as gRPC over HTTP/3, and datagrams, with mutual TLS.
//
//     swift run quic-echo               over QUIC
//     swift run quic-echo --qlog DIR    and each connection writes its qlog into that folder

import Glibc
import NodeTransport
import QUICTransport
import TransportTLS

/// What can be called: names, shapes and how the messages become bytes. Nothing here knows of QUIC.
enum Echo {
    static let unary = Method<Unary, String, String>("echo.Echo", "Unary", request: .utf8, response: .utf8)
    static let chat = Method<Bidirectional, String, String>("echo.Echo", "Chat", request: .utf8, response: .utf8)
}

/// What the server does about it.
struct EchoService: Service {
    var handlers: [MethodHandler] {
        [
            Echo.unary.handle { request, context in
                print("server: \(context.method) called by \(context.peer?.description ?? "somebody")")
                return request
            },
            Echo.chat.handle { requests, responses, _ in
                for try await request in requests { try await responses.send("\(request), \(request)") }
            },
        ]
    }

    /// One way and without a promise of arrival; what is returned goes back as a datagram.
    var datagramHandler: DatagramHandler? {
        { datagram, _ in Bytes(utf8: "you said \(String(decoding: datagram, as: UTF8.self))") }
    }
}

/// Two nodes that know each other's keys and need no authority.
func makeTransports() throws -> (server: QUICTransport, client: QUICTransport) {
    var configuration = QUICTransport.Configuration()
    if let option = CommandLine.arguments.firstIndex(of: "--qlog"), option + 1 < CommandLine.arguments.count {
        configuration.qlogFolder = CommandLine.arguments[option + 1]
    }
    let authority = try DevelopmentCA.create()
    func identity(_ name: String) throws -> Identity {
        let issued = try authority.issue(name: name, ipAddresses: ["127.0.0.1"])
        return try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
    }
    let (a, b) = (try identity("node-a"), try identity("node-b"))
    return (
        try QUICTransport(
            identity: a, trust: .pinned([.publicKey(b.publicKeyFingerprint)]), configuration: configuration),
        try QUICTransport(
            identity: b, trust: .pinned([.publicKey(a.publicKeyFingerprint)]), configuration: configuration)
    )
}

func chat(over connection: any Connection) async throws {
    let call = try await connection.call(Echo.chat)
    for word in ["one", "two", "three"] {
        try await call.requests.send(word)
        print("client: \(word) → \(try await call.responses.next() ?? "the end")")
    }
    try await call.requests.finish()
    for try await rest in call.responses { print("client: also \(rest)") }
}

var exitCode: Int32 = 0
let (server, client) = try makeTransports()
do {
    // Port 0 is any free one; the listener says which.
    let listener = try await server.listen(on: "quic://127.0.0.1:0", services: [EchoService()])
    let connection = try await client.connect(to: listener.endpoint)
    print("client: connected to \(connection.endpoint), \(connection.peer?.description ?? "not authenticated")")

    let answer = try await connection.call(Echo.unary, "hello", deadline: .after(.seconds(2)))
    print("client: hello → \(answer)")
    try await chat(over: connection)

    if let most = connection.maximumDatagramBytes {
        try await connection.sendDatagram(Bytes(utf8: "ping"))
        let back = String(decoding: try await connection.receiveDatagram(), as: UTF8.self)
        print("client: a datagram, of at most \(most) bytes: ping → \(back)")
    }
} catch {
    // An error says what failed, where and why.
    print("failed: \(error)")
    exitCode = 1
}
// Calls in flight may finish; then the connections close.
await client.shutdown()
await server.shutdown()
print("both are shut down")
exit(exitCode)
