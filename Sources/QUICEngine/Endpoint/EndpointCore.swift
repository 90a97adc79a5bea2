internal import CNGTCP2
internal import NodeTransport

/// What an endpoint and its connections share.
@safe
final class EndpointCore {
    let configuration: QUICConfiguration
    let secrets: QUICSecrets
    private var generator: any RandomNumberGenerator

    let events = EventQueue()
    /// Connections with something to send, perhaps.
    let ready = FIFO<QUICConnection>()
    var deadlines = DeadlineHeap()
    /// All IDs by which packets find a connection.
    var connections: [ConnectionID: QUICConnection] = [:]
    /// The tokens by which the peers would reset.
    var resetTokens: [ResetToken: QUICConnection] = [:]
    /// Packets that belong to no connection, or to one that is closing.
    let strays = FIFO<StrayPacket>()
    /// One packet that did not fit to those before it.
    var heldOver = HeldOverPacket()
    /// Where the vectors of one write are put together.
    let vectors: UnsafeMutableBufferPointer<QUICVector>

    var liveConnections = 0
    var halfOpenConnections = 0
    var addressRates = AddressRates()
    var resetRate: TokenBucket?

    /// Answers to who is not a connection; more are dropped.
    static let maximumStrays = 256

    init(configuration: QUICConfiguration, secrets: QUICSecrets, random: any RandomNumberGenerator) {
        self.configuration = configuration.clamped()
        self.secrets = secrets
        generator = random
        unsafe vectors = .allocate(capacity: QUICVector.maximumCount)
        unsafe vectors.initialize(repeating: QUICVector(base: nil, count: 0))
    }

    deinit {
        unsafe vectors.deallocate()
    }

    func random() -> UInt64 { generator.next() }

    func fillRandom(_ bytes: UnsafeMutableRawBufferPointer) {
        var word: UInt64 = 0
        for index in bytes.indices {
            if index & 7 == 0 { word = random() }
            unsafe bytes[index] = UInt8(truncatingIfNeeded: word)
            word >>= 8
        }
    }

    func newConnectionID() -> ConnectionID {
        secrets.routing.connectionID(loop: configuration.loopIndex, random(), random())
    }

    func resetToken(for id: ConnectionID) -> ResetToken? {
        var token = cngtcp2_reset_token()
        let isMade = unsafe secrets.resets.withUnsafeBytes { secret in
            unsafe cngtcp2_make_reset_token(
                cngtcp2_vector(base: secret.baseAddress, count: secret.count), id.raw, &token)
        }
        return isMade ? ResetToken(raw: token) : nil
    }

    func markReady(_ connection: QUICConnection) {
        guard !connection.isReady else { return }
        connection.isReady = true
        ready.append(connection)
    }

    func emit(_ event: QUICEvent) {
        events.append(event)
    }

    func sendStray(_ packet: StrayPacket) {
        if strays.count < Self.maximumStrays { strays.append(packet) }
    }

    /// Removes every way by which packets or time find the connection.
    func forget(_ connection: QUICConnection) {
        for id in connection.ids { connections[id] = nil }
        connection.ids.removeAll()
        forgetTokens(connection)
        deadlines.remove(connection)
    }

    func forgetTokens(_ connection: QUICConnection) {
        for token in connection.peerResetTokens where resetTokens[token] === connection { resetTokens[token] = nil }
        connection.peerResetTokens.removeAll()
    }
}

/// A packet in memory of its own.
struct StrayPacket {
    let bytes: [UInt8]
    let path: QUICPath
}

/// A packet that was written and has to go out alone: it has another size, path or ECN mark.
struct HeldOverPacket {
    var bytes: [UInt8] = []
    var route = cngtcp2_route()
}
