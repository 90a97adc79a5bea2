import NodeTransport
import QUICEngine
import Testing
import TransportTestKit

/// A client and an echoing or collecting server on the simulated network.
final class TransferLab {
    let simulation: Simulation
    let client: Node
    let server: Node
    let clientSide: SimulatedEndpoint
    let serverSide: SimulatedEndpoint

    var network: SimulatedNetwork { simulation.network }
    var now: QUICTime { SimulatedEndpoint.time(simulation.now) }
    var elapsed: Duration { .nanoseconds(simulation.now) }

    init(
        seed: UInt64, _ conditions: LinkConditions = LinkConditions(delay: .milliseconds(20)),
        behaviour: Node.Behaviour = .collect,
        client clientConfiguration: QUICConfiguration = QUICConfiguration(),
        server serverConfiguration: QUICConfiguration = QUICConfiguration()
    ) throws {
        simulation = Simulation(seed: seed)
        simulation.network.setConditions(conditions, between: "client", and: "server")
        let (a, b) = (simulation.network.host("client").address(1000), simulation.network.host("server").address(443))
        var secrets = SeededGenerator(seed &* 3 &+ 2)
        client = Node(
            QUICEndpoint(
                configuration: clientConfiguration, client: try .client(), random: SeededGenerator(seed &* 3)),
            QUICAddress(a), .collect)
        server = Node(
            QUICEndpoint(
                configuration: serverConfiguration, server: try .steadyServer(), secrets: QUICSecrets(using: &secrets),
                random: SeededGenerator(seed &* 3 &+ 1)), QUICAddress(b), behaviour)
        clientSide = SimulatedEndpoint(client)
        serverSide = SimulatedEndpoint(server)
        simulation.attach(clientSide, at: a)
        simulation.attach(serverSide, at: b)
    }

    @discardableResult
    func connect() throws -> QUICConnection {
        let path = QUICPath(local: client.address, remote: server.address)
        let connection = try client.endpoint.connect(to: path, serverName: "localhost", now: now)
        client.connections.append(connection)
        return connection
    }

    /// Runs until both sides know that the handshake is done.
    @discardableResult
    func handshake(within limit: Duration = .seconds(10)) throws -> QUICConnection {
        let connection = try connect()
        try run(for: limit) { self.client.confirmed > 0 && self.server.confirmed > 0 }
        return connection
    }

    /// Runs until `condition` holds.
    func run(for limit: Duration, until condition: () -> Bool) throws {
        try simulation.run(while: { !condition() }, for: limit)
    }

    /// Sends `bytes` on a new stream and waits until all of it has come to the other side, as it was.
    ///
    /// - Returns: how long that took, in virtual time.
    @discardableResult
    func transfer(_ bytes: Bytes, over connection: QUICConnection, within limit: Duration) throws -> Duration {
        let start = elapsed
        let stream = try connection.openStream(isBidirectional: false)
        client.send(stream, bytes, isLast: true)
        do {
            try run(for: limit) { self.server.ended.contains(stream.id) || !self.client.closes.isEmpty }
        } catch {
            let count = server.received[stream.id]?.count ?? 0
            Issue.record("\(count) of \(bytes.count) bytes came: \(connection.statistics)")
            throw error
        }
        try #require(client.closes.isEmpty, "\(client.closes) \(server.closes)")
        let received = server.received.removeValue(forKey: stream.id) ?? []
        #expect(Bytes(received) == bytes, "what came is not what was sent")
        return elapsed - start
    }

    /// Closes and waits until both sides have forgotten the connection.
    func finish() throws {
        for connection in client.connections { connection.close(code: 0, now: now) }
        try run(for: .seconds(60)) {
            self.client.endpoint.knownConnectionCount == 0 && self.server.endpoint.knownConnectionCount == 0
        }
        #expect(client.endpoint.connectionCount == 0 && server.endpoint.connectionCount == 0)
    }
}

extension Bytes {
    /// Bytes that a seed repeats.
    static func random(_ count: Int, seed: UInt64) -> Bytes {
        var generator = SeededGenerator(seed)
        return Bytes(
            [UInt8](unsafeUninitializedCapacity: count) { room, filled in
                let words = UnsafeMutableRawBufferPointer(room)
                var position = 0
                while position < count {
                    var word = generator.next()
                    let size = Swift.min(8, count - position)
                    Swift.withUnsafeBytes(of: &word) { words[position..<position + size].copyBytes(from: $0[..<size]) }
                    position += size
                }
                filled = count
            })
    }
}

extension QUICCredentials {
    /// A server whose handshake has the same size each time: Ed25519 signatures are all 64 bytes, others are not, and
    /// a run is to be repeatable.
    static func steadyServer(alpn: [String] = ["echo"]) throws -> QUICCredentials {
        let material = try TestIdentity.steady.get()
        var options = Options(role: .server, applicationProtocols: alpn)
        options.certificateChain = material.chain
        options.privateKey = material.key
        return try QUICCredentials(options) { _, _ in .accept }
    }
}
