internal import CNGTCP2
package import NodeTransport

/// QUIC (RFC 9000) at one set of local addresses, as a server, a client or both, without I/O: datagrams, calls
/// and the time in; datagrams, events and the next deadline out.
///
/// The endpoint knows no socket and no clock. It is confined to its owner's loop, and so are its connections
/// and streams. The owner's cycle: ``receive(_:segmentBytes:ecn:path:now:)`` what arrived and
/// ``handleTimeout(now:)``; ``pollEvent()`` until nil; ``pollTransmit(into:now:)`` until nil; wait until
/// ``nextDeadline``, and no longer.
package final class QUICEndpoint {
    let core: EndpointCore
    /// For handshakes that begin from now on; open connections keep theirs.
    package var server: QUICCredentials?
    /// As ``server``.
    package var client: QUICCredentials?
    /// Clients that come while this is false are told that they are refused (RFC 9000 §20.1, CONNECTION_REFUSED).
    package var isAccepting = true

    /// - Parameters:
    ///   - server: takes connections when there are some.
    ///   - client: makes connections when there are some.
    ///   - random: where connection IDs and all else unpredictable comes from, but for what GnuTLS draws itself.
    package init(
        configuration: QUICConfiguration, server: QUICCredentials? = nil, client: QUICCredentials? = nil,
        secrets: QUICSecrets = QUICSecrets(), random: any RandomNumberGenerator = SystemRandomNumberGenerator()
    ) {
        core = EndpointCore(configuration: configuration, secrets: secrets, random: random)
        self.server = server
        self.client = client
    }

    deinit {
        for connection in Set(core.connections.values.map(ObjectReference.init)) {
            connection.object.abandon()
        }
        core.connections.removeAll()
        core.deadlines.removeAll()
        core.ready.removeAll()
        core.events.removeAll()
    }

    /// The next event; nil when there is none. To be called until then after each input.
    package func pollEvent() -> QUICEvent? { core.events.pop() }

    /// Gives events to `handler` while it takes them, but no more than `limit`; answers how many those were.
    package func pollEvents(to handler: some QUICEventHandler, limit: Int) -> Int {
        core.events.pop(to: handler, limit: limit)
    }

    /// How many connections are open, closing ones not counted.
    package var connectionCount: Int { core.liveConnections }
    package var halfOpenCount: Int { core.halfOpenConnections }

    /// How many connections the endpoint still knows, with those that are closing.
    package var knownConnectionCount: Int { Set(core.connections.values.map(ObjectReference.init)).count }

    /// Whether a peer may have to be told again that this side has closed a connection (RFC 9000 §10.2.1).
    package var isRepeatingClose: Bool { core.connections.values.contains { $0.isRepeatingClose } }

    /// When ``handleTimeout(now:)`` has to be called; nil when there is nothing to wait for.
    package var nextDeadline: QUICTime? { core.deadlines.first?.deadline }

    /// Does what is due.
    package func handleTimeout(now: QUICTime) {
        while let connection = core.deadlines.first, connection.deadline <= now {
            core.deadlines.remove(connection)
            connection.handleTimeout(now: now)
        }
    }

    /// The number of the loop that issued the connection ID which `datagram` is for; nil when no ID of this
    /// engine can be in it, or it is one that a client chose. Where the ID is unknown the number is any.
    package static func loopIndex(ofDatagram datagram: UnsafeRawBufferPointer, secrets: QUICSecrets) -> UInt8? {
        guard let first = unsafe datagram.first else { return nil }
        let isLong = first & 0x80 != 0
        guard datagram.count > (isLong ? 6 : 1) + ConnectionID.ownBytes else { return nil }
        if isLong {
            // A server's ID is in Handshake packets; Initial and 0-RTT carry what the client made up.
            guard unsafe datagram[5] == ConnectionID.ownBytes, first & 0x30 == 0x20 else { return nil }
        }
        let word = unsafe datagram.loadUnaligned(fromByteOffset: isLong ? 6 : 1, as: UInt64.self)
        return secrets.routing.loop(of: UInt64(littleEndian: word))
    }

    /// Begins a connection. Its first packet is in the next ``pollTransmit(into:now:)``.
    ///
    /// With a `session` it is resumed, if the verifier still accepts the chain that came with the session; if the
    /// credentials allow early data, streams may be opened at once.
    ///
    /// - Parameters:
    ///   - serverName: the name for SNI and for the verifier; an address goes to the verifier only.
    ///   - token: what ``QUICEvent/newToken(_:_:)`` brought earlier.
    package func connect(
        to path: QUICPath, serverName: String?, session: QUICSession? = nil, token: Bytes? = nil, now: QUICTime
    ) throws(QUICError) -> QUICConnection {
        guard let client else { throw QUICError(.invalidState, "the endpoint has no client credentials") }
        guard core.liveConnections < core.configuration.maxConnections else {
            throw QUICError(.tooManyConnections, "the endpoint has \(core.liveConnections) connections")
        }
        var session = session
        var verified: (any Sendable)?
        if let presented = session?.presentedChain {
            switch client.verifier(presented, serverName) {
            case .accept: break
            case .acceptAs(let peer): verified = peer
            case .refuse: session = nil
            }
        }
        let source = core.newConnectionID()
        let connection = QUICConnection(core: core, credentials: client, path: path, serverName: serverName)
        connection.verifiedPeer = verified
        var setup = ConnectionSetup(
            destination: ConnectionID(
                raw: cngtcp2_cid(first: core.random(), second: core.random(), third: 0, count: 16)),
            source: source, path: path, now: now)
        setup.session = session
        setup.token = token ?? Bytes()
        guard connection.start(setup) else { throw QUICError(.internalFailure, "no connection could be made") }
        return connection
    }
}

/// An object by its identity.
private struct ObjectReference: Hashable {
    let object: QUICConnection

    init(_ object: QUICConnection) { self.object = object }

    static func == (left: Self, right: Self) -> Bool { left.object === right.object }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(object)) }
}
