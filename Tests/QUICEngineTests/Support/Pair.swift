import NodeTransport
import QUICEngine
import Testing

/// What happens to datagrams on the way.
struct Link {
    var delay: QUICTime = .milliseconds(5)
    /// Up to so much longer, which changes the order.
    var jitter: QUICTime = 0
    var loss = 0.0
    var corruption = 0.0
    var duplication = 0.0
}

/// A client and a server in memory: virtual time, a seeded link.
final class Pair {
    struct InFlight {
        let arrival: QUICTime
        let order: UInt64
        let bytes: [UInt8]
        let ecn: UInt8
        let from: QUICAddress
        let to: QUICAddress
        /// A test put it there; the tap does not see it.
        var isInjected = false
    }

    let client: Node
    let server: Node
    var now: QUICTime = .seconds(1000)
    var link: Link
    var generator: SeededGenerator
    /// What the server sees in place of the client's address.
    var mapped: QUICAddress?
    /// Looks at each datagram on its way, and may change or swallow it.
    var tap: ((InFlight) -> [UInt8]?)?
    var bytesToServer = 0
    var bytesToClient = 0

    private var inFlight: [InFlight] = []
    private var order: UInt64 = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    init(
        clientCredentials: QUICCredentials? = nil, serverCredentials: QUICCredentials? = nil,
        clientConfiguration: QUICConfiguration = QUICConfiguration(),
        serverConfiguration: QUICConfiguration = QUICConfiguration(),
        serverSecrets: QUICSecrets = QUICSecrets(),
        behaviour: Node.Behaviour = .echo, link: Link = Link(), seed: UInt64 = 1
    ) throws {
        generator = SeededGenerator(seed)
        self.link = link
        client = Node(
            QUICEndpoint(
                configuration: clientConfiguration, client: try clientCredentials ?? .client(),
                random: SeededGenerator(seed &* 2 &+ 100)),
            try #require(QUICAddress("10.0.0.1", port: 50_000)), .collect)
        server = Node(
            QUICEndpoint(
                configuration: serverConfiguration, server: try serverCredentials ?? .server(), secrets: serverSecrets,
                random: SeededGenerator(seed &* 2 &+ 101)),
            try #require(QUICAddress("10.0.0.2", port: 4433)), behaviour)
    }

    deinit { buffer.deallocate() }

    var path: QUICPath { QUICPath(local: client.address, remote: server.address) }

    @discardableResult
    func connect(session: QUICSession? = nil, token: Bytes? = nil) throws -> QUICConnection {
        let connection = try client.endpoint.connect(
            to: path, serverName: "localhost", session: session, token: token, now: now)
        client.connections.append(connection)
        return connection
    }

    /// Connects and waits until both sides know it.
    @discardableResult
    func handshake() throws -> QUICConnection {
        let connection = try connect()
        let confirmed = (client.confirmed, server.confirmed)
        let isDone = run { self.client.confirmed > confirmed.0 && self.server.confirmed > confirmed.1 }
        try #require(isDone, "no handshake: \(client.closes) \(server.closes)")
        return connection
    }

    /// Lets time pass until `condition` holds; false when it does not within `limit`.
    @discardableResult
    func run(for limit: QUICTime = .seconds(60), until condition: () -> Bool) -> Bool {
        let end = now + limit
        settle()
        while !condition() {
            var next = inFlight.map(\.arrival).min() ?? .max
            for node in [client, server] { next = min(next, node.endpoint.nextDeadline ?? .max) }
            guard next <= end else {
                now = end
                return condition()
            }
            now = max(now, next)
            deliver()
            for node in [client, server] {
                if let deadline = node.endpoint.nextDeadline, deadline <= now { node.endpoint.handleTimeout(now: now) }
            }
            settle()
        }
        return true
    }

    func pass(_ time: QUICTime) {
        run(for: time) { false }
    }

    /// Takes events and output until there are none.
    func settle() {
        for node in [client, server] {
            node.takeEvents()
            while let transmit = node.endpoint.pollTransmit(into: buffer, now: now) {
                precondition(transmit.byteCount > 0 && transmit.byteCount <= buffer.count)
                var start = 0
                while start < transmit.byteCount {
                    let end = min(start + transmit.segmentBytes, transmit.byteCount)
                    launch([UInt8](buffer[start..<end]), ecn: transmit.ecn, transmit.path, from: node)
                    start = end
                }
            }
            node.takeEvents()
        }
    }

    /// Puts a datagram on the way as if `path` had brought it.
    func inject(_ bytes: [UInt8], to node: Node, from: QUICAddress) {
        inFlight.append(
            InFlight(
                arrival: now, order: order, bytes: bytes, ecn: 0, from: from, to: node.address, isInjected: true))
        order += 1
    }

    private func launch(_ bytes: [UInt8], ecn: UInt8, _ path: QUICPath, from node: Node) {
        if node === client { bytesToServer += bytes.count } else { bytesToClient += bytes.count }
        var bytes = bytes
        if generator.chance(link.loss) { return }
        if generator.chance(link.corruption) {
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^= UInt8.random(in: 1...255, using: &generator)
        }
        var from = path.local
        var to = path.remote
        if node === client, let mapped { from = mapped }
        if node === server, let mapped, to == mapped { to = client.address }
        for _ in 0..<(generator.chance(link.duplication) ? 2 : 1) {
            let jitter = link.jitter == 0 ? 0 : UInt64.random(in: 0...link.jitter, using: &generator)
            let datagram = InFlight(
                arrival: now + link.delay + jitter, order: order, bytes: bytes, ecn: ecn, from: from, to: to)
            order += 1
            inFlight.append(datagram)
        }
    }

    private func deliver() {
        let due = inFlight.filter { $0.arrival <= now }.sorted { ($0.arrival, $0.order) < ($1.arrival, $1.order) }
        inFlight.removeAll { $0.arrival <= now }
        for datagram in due {
            guard let bytes = tap == nil || datagram.isInjected ? datagram.bytes : tap?(datagram) else { continue }
            for node in [client, server] where node.address == datagram.to || node.others.contains(datagram.to) {
                bytes.withUnsafeBytes {
                    node.endpoint.receive(
                        $0, segmentBytes: $0.count, ecn: datagram.ecn,
                        path: QUICPath(local: datagram.to, remote: datagram.from), now: now)
                }
                node.takeEvents()
            }
        }
    }
}
