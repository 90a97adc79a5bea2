// A connection outlives its address: calls go on while the client's socket is closed and another one takes its place, as when
// a laptop changes networks. The server proves the new way before it believes in it (RFC 9000 §9).
//
//     swift run quic-migration

import Glibc
import NodeTransport
import QUICTransport
import TransportTLS

let echo = Method<Bidirectional, String, String>("echo.Echo", "Chat", request: .utf8, response: .utf8)

struct EchoService: Service {
    var handlers: [MethodHandler] {
        [
            echo.handle { requests, responses, _ in
                for try await request in requests { try await responses.send(request) }
            }
        ]
    }
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

func show(_ title: String, _ figures: QUICConnectionStatistics) {
    print("\(title):")
    print("  round trip \(figures.smoothedRoundTrip), at best \(figures.minimumRoundTrip)")
    print("  sent \(figures.packetsSent) packets, \(figures.bytesSent) bytes; lost \(figures.lostStreamPackets)")
    print("  received \(figures.datagramsReceived) datagrams, \(figures.bytesReceived) bytes")
    print("  congestion window \(figures.congestionWindowBytes) bytes")
}

/// Moves as soon as it may: spare connection IDs come a moment after the handshake, and after each move.
func migrate(_ control: QUICControl, _ oneCall: () async throws -> Void) async throws {
    while true {
        do {
            return try await control.migrate()
        } catch let error as TransportError where error.code == .failedPrecondition {
            try await oneCall()
        }
    }
}

func run(_ connection: any Connection) async throws {
    guard let control = QUICControl(connection) else { return }
    let call = try await connection.call(echo)
    var count = 0
    func oneMessage() async throws {
        count += 1
        try await call.requests.send("\(count)")
        guard try await call.responses.next() == "\(count)" else { throw TransportError(.dataLoss, "not the same") }
    }
    for place in ["the first port", "another port", "a third port"] {
        if place != "the first port" { try await migrate(control, oneMessage) }
        for _ in 0..<100 { try await oneMessage() }
        show("100 messages from \(place)", try await control.statistics())
    }
    try await call.requests.finish()
    print("one call, one connection, three ports: every message came back")
}

var exitCode: Int32 = 0
let (server, client) = try makeTransports()
do {
    let listener = try await server.listen(on: "quic://127.0.0.1:0", services: [EchoService()])
    try await run(try await client.connect(to: listener.endpoint))
} catch {
    print("failed: \(error)")
    exitCode = 1
}
await client.shutdown()
await server.shutdown()
exit(exitCode)
