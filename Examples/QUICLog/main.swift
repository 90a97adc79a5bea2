// qlog: each connection writes what it does, packet by packet, into a file of its own, which qvis and other tools read.
//
//     swift run quic-log           into a new folder under /tmp, which stays
//     swift run quic-log FOLDER    into that one

import Foundation
import NodeTransport
import QUICTransport
import TransportTLS

let echo = Method<Unary, Bytes, Bytes>("echo.Echo", "Unary", request: .bytes, response: .bytes)

struct EchoService: Service {
    var handlers: [MethodHandler] { [echo.handle { request, _ in request }] }
}

func makeFolder() throws -> String {
    if CommandLine.arguments.count > 1 { return CommandLine.arguments[1] }
    let folder = "/tmp/quic-log-\(UInt32.random(in: 0 ... .max))"
    // The log says who talked to whom: for the owner alone.
    try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    return folder
}

/// Two nodes that know each other's keys and need no authority.
func makeTransports(_ folder: String) throws -> (server: QUICTransport, client: QUICTransport) {
    var configuration = QUICTransport.Configuration()
    configuration.qlogFolder = folder
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

/// How often each event stands in a log: a record a line, each with a name like `transport:packet_sent`.
func counts(_ path: String) throws -> [(name: String, count: Int)] {
    var counts: [String: Int] = [:]
    for record in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
        guard let start = record.range(of: "\"name\":\"") else { continue }
        let name = String(record[start.upperBound...].prefix { $0 != "\"" })
        if name.contains(":") { counts[name, default: 0] += 1 }
    }
    return counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
}

var exitCode: Int32 = 0
let folder = try makeFolder()
let (server, client) = try makeTransports(folder)
do {
    let listener = try await server.listen(on: "quic://127.0.0.1:0", services: [EchoService()])
    let connection = try await client.connect(to: listener.endpoint)
    for size in [0, 1000, 1 << 20] { _ = try await connection.call(echo, Bytes([UInt8](repeating: 7, count: size))) }
} catch {
    print("failed: \(error)")
    exitCode = 1
}
await client.shutdown()
await server.shutdown()
for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where name.hasSuffix(".sqlog") {
    print("\(folder)/\(name):")
    for (name, count) in try counts("\(folder)/\(name)") { print("  \(name) × \(count)") }
}
exit(exitCode)
