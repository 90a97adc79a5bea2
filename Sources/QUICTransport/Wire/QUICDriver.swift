internal import EventLoops
internal import Glibc
internal import NodeTransport
internal import QUICEngine
internal import Synchronization

/// What a driver tells its owner, on the loop.
protocol QUICDriverOwner: AnyObject, Sendable {
    /// Before datagrams are looked at that may begin connections.
    func willReceive(_ driver: QUICDriver)
    /// A client has sent its first packet.
    func opened(_ connection: QUICConnection, _ driver: QUICDriver)
    func refused(_ path: QUICPath, _ limit: QUICLimit, _ driver: QUICDriver)
    /// A datagram that was sent did not arrive; anyone on the way may have said so.
    func undelivered(_ failure: UDPFailure, _ driver: QUICDriver)
    /// Datagrams for a connection of another loop.
    func handOver(_ datagram: Bytes, toLoop index: Int, ecn: UInt8, local: InternetAddress, remote: InternetAddress)
}

/// One UDP socket with its QUIC endpoint, on one loop: moves datagrams, time and events between the two.
///
/// A turn: every batch that the kernel has goes to the endpoint; its events go to the connections, whose handlers run;
/// and when the jobs of the turn have run, one pass sends what all of that led to.
///
/// Soundness of `@unchecked Sendable`: it is used on its loop only.
final class QUICDriver: QUICEventHandler, UDPSocketHandler, LoopFlushable, LoopTimerHandler, @unchecked Sendable {
    /// How many sends one turn makes before other sockets have theirs.
    private static let sendsPerTurn = 64
    private static let sendBufferBytes = 65_536
    /// What so many events led to goes out before the others are looked at: the peer works on it meanwhile.
    private static let eventsPerFlush = 128
    /// How many sockets of the process may stay open for peers that did not hear of the end.
    private static let maximumFinishing = 1_024
    private static let finishing = Atomic<Int>(0)

    let loop: EventLoop
    let endpoint: QUICEndpoint
    private(set) var socket: UDPSocket
    /// The state of the credentials that the endpoint uses, for the owner.
    var generation = -1
    /// Tells whose a datagram is, where several loops share a port.
    private let routing: QUICSecrets?
    private let loopCount: Int
    /// Gone once the driver has stopped.
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) private var owner: (any QUICDriverOwner)?

    private var addresses = AddressBook()
    private var isFlushScheduled = false
    private var hasNewData = false
    private var isPumping = false
    private var isStopped = false
    private var isFinishing = false
    private let timer = LoopTimer()
    /// When the timer fires; no later than the endpoint wants it.
    private var timerDeadline = Int64.max
    /// What the socket had no room for.
    private var rest: (bytes: Bytes, transmit: QUICTransmit)?
    /// Wires to which sending has happened something.
    private var notified: [HTTP3Wire] = []

    init(
        loop: EventLoop, socket: UDPSocket, endpoint: QUICEndpoint, owner: any QUICDriverOwner,
        routing: QUICSecrets? = nil, loopCount: Int = 1
    ) {
        self.loop = loop
        self.socket = socket
        self.endpoint = endpoint
        self.owner = owner
        self.routing = routing
        self.loopCount = loopCount
    }

    var now: QUICTime { QUICTime(max(loop.now, 0)) }

    func start() throws(LoopError) { try socket.start(self) }

    /// Sends what is left and closes the socket. Events that are left go nowhere.
    func stop() {
        guard !isStopped else { return }
        // The loop's buffer may hold what a connection of another transport is reading just now.
        unsafe withUnsafeTemporaryAllocation(byteCount: Self.sendBufferBytes, alignment: 16) { unsafe transmit($0) }
        sever()
    }

    /// Sends what is left, and closes the socket when the peer cannot ask any more: the packet that tells it of the end
    /// may be lost, and is repeated for three probe timeouts when the peer goes on sending (RFC 9000 §10.2.1). The owner
    /// hears nothing more.
    func finish() {
        guard !isStopped, !isFinishing else { return }
        unsafe withUnsafeTemporaryAllocation(byteCount: Self.sendBufferBytes, alignment: 16) { unsafe transmit($0) }
        guard endpoint.isRepeatingClose, Self.finishing.load(ordering: .relaxed) < Self.maximumFinishing else {
            return sever()
        }
        isFinishing = true
        Self.finishing.add(1, ordering: .relaxed)
        // It goes outside of the access.
        _ = owner.take()
        updateTimer()
    }

    /// Closes the socket without a word.
    func sever() {
        guard !isStopped else { return }
        isStopped = true
        if isFinishing { Self.finishing.subtract(1, ordering: .relaxed) }
        loop.cancel(timer)
        socket.close()
        notified.removeAll()
        // It goes outside of the access.
        _ = owner.take()
    }

    /// Something is to be sent, or may be: soon after the jobs of this turn.
    /// A stream has something to send.
    func scheduleFlushOfData() {
        hasNewData = true
        scheduleFlush()
    }

    func scheduleFlush() {
        guard !isFlushScheduled, !isStopped else { return }
        isFlushScheduled = true
        loop.scheduleFlush(self)
    }

    /// The wire has events that came while packets were written.
    func notify(_ wire: HTTP3Wire) { notified.append(wire) }

    func path(to remote: InternetAddress) -> QUICPath? {
        addresses.path(local: socket.localAddress, remote: remote)
    }

    func address(_ address: InternetAddress) -> QUICAddress? { addresses.address(address) }

    /// Goes on with another socket; what waits in the old one is lost.
    func replace(_ socket: UDPSocket) throws(LoopError) {
        try socket.start(self)
        self.socket.close()
        self.socket = socket
        rest = nil
        scheduleFlush()
    }

    func address(_ address: QUICAddress) -> InternetAddress? { addresses.address(address) }

    // MARK: Input

    func received(_ datagrams: borrowing UDPReceived, on socket: UDPSocket) {
        owner?.willReceive(self)
        unsafe datagrams.bytes.withUnsafeBytes { bytes in
            unsafe receive(
                bytes, segmentBytes: datagrams.segmentBytes, ecn: datagrams.ecn.rawValue, local: datagrams.local,
                remote: datagrams.remote)
        }
    }

    private func receive(
        _ bytes: UnsafeRawBufferPointer, segmentBytes: Int, ecn: UInt8, local: InternetAddress, remote: InternetAddress
    ) {
        guard unsafe !bytes.isEmpty, let path = addresses.path(local: local, remote: remote) else { return }
        guard let routing, unsafe isForeign(bytes, segmentBytes, routing) else {
            return unsafe endpoint.receive(bytes, segmentBytes: segmentBytes, ecn: ecn, path: path, now: now)
        }
        // A client that moved: the kernel gives its new address to another loop than its connection lives on.
        let segment = max(segmentBytes, 1)
        var position = 0
        while position < bytes.count {
            let end = min(position + segment, bytes.count)
            let datagram = unsafe UnsafeRawBufferPointer(rebasing: bytes[position..<end])
            position = end
            if let index = unsafe foreignLoop(datagram, routing) {
                owner?.handOver(unsafe Bytes(copying: datagram), toLoop: index, ecn: ecn, local: local, remote: remote)
            } else {
                unsafe endpoint.receive(datagram, segmentBytes: datagram.count, ecn: ecn, path: path, now: now)
            }
        }
    }

    private func isForeign(_ bytes: UnsafeRawBufferPointer, _ segmentBytes: Int, _ routing: QUICSecrets) -> Bool {
        let segment = max(segmentBytes, 1)
        var position = 0
        while position < bytes.count {
            let end = min(position + segment, bytes.count)
            if unsafe foreignLoop(UnsafeRawBufferPointer(rebasing: bytes[position..<end]), routing) != nil {
                return true
            }
            position = end
        }
        return false
    }

    private func foreignLoop(_ datagram: UnsafeRawBufferPointer, _ routing: QUICSecrets) -> Int? {
        guard let number = unsafe QUICEndpoint.loopIndex(ofDatagram: datagram, secrets: routing) else { return nil }
        let index = Int(number)
        return index != loop.index && index < loopCount ? index : nil
    }

    /// Takes a datagram that came to another loop.
    func receive(_ datagram: Bytes, ecn: UInt8, local: InternetAddress, remote: InternetAddress) {
        guard !isStopped, let path = addresses.path(local: local, remote: remote) else { return }
        unsafe datagram.withUnsafeBytes { bytes in
            unsafe endpoint.receive(bytes, segmentBytes: bytes.count, ecn: ecn, path: path, now: now)
        }
        pump()
        scheduleFlush()
    }

    func receivedAll(on socket: UDPSocket) {
        pump()
        scheduleFlush()
    }

    func failed(_ failure: UDPFailure, on socket: UDPSocket) {
        // Who is not there need not be told.
        if isFinishing { sever() } else { owner?.undelivered(failure, self) }
    }

    func timerFired(_ timer: LoopTimer) {
        timerDeadline = .max
        guard !isStopped else { return }
        endpoint.handleTimeout(now: now)
        if isFinishing, !endpoint.isRepeatingClose { return sever() }
        pump()
        scheduleFlush()
    }

    // MARK: Events

    /// Gives the endpoint's events to the connections they are about.
    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        while endpoint.pollEvents(to: self, limit: Self.eventsPerFlush) == Self.eventsPerFlush {
            if hasNewData { transmit() }
        }
    }

    var takesEvents: Bool { !isStopped }

    func received(_ stream: QUICStream, _ bytes: Bytes, isLast: Bool) {
        wire(stream)?.received(stream, bytes, isLast: isLast)
    }

    func acknowledged(_ stream: QUICStream, byteCount: Int) { wire(stream)?.acknowledged(stream, byteCount) }

    func closed(_ stream: QUICStream, code: UInt64?) { wire(stream)?.closed(stream) }

    func take(_ event: QUICEvent) {
        switch event {
        case .streamData, .streamAcknowledged, .streamClosed, .streamWritable: break
        case .streamReset(let stream, let code): wire(stream)?.wasReset(stream, code)
        case .streamStopped(let stream): wire(stream)?.wasStopped(stream)
        case .streamUnblocked(let stream): wire(stream)?.unblocked(stream)
        case .streamsAvailable(let connection, let isBidirectional):
            if isBidirectional { wire(connection)?.owner?.streamsAvailable() }
        case .connectionOpened(let connection): owner?.opened(connection, self)
        case .handshakeCompleted(let connection): wire(connection)?.handshakeCompleted()
        case .handshakeConfirmed(let connection): wire(connection)?.handshakeConfirmed()
        case .earlyDataRejected(let connection): wire(connection)?.earlyDataRejected()
        case .connectionClosed(let connection, let reason): wire(connection)?.connectionClosed(reason)
        case .connectionRefused(let path, let limit): owner?.refused(path, limit, self)
        case .sessionTicket(let connection, let session): wire(connection)?.owner?.received(session)
        case .newToken(let connection, let token): wire(connection)?.owner?.received(token: token)
        case .datagram(let connection, let bytes): wire(connection)?.owner?.received(datagram: bytes)
        case .pathChanged(let connection, let path): wire(connection)?.owner?.moved(to: path)
        case .pathValidated, .keyUpdated, .datagramAcknowledged, .datagramLost: break
        }
    }

    private func wire(_ connection: QUICConnection) -> HTTP3Wire? {
        // Sound: nothing but a wire's `attach` sets the context.
        connection.context.map { unsafe unsafeDowncast($0, to: HTTP3Wire.self) }
    }

    private func wire(_ stream: QUICStream) -> HTTP3Wire? { wire(stream.connection) }

    // MARK: Output

    func flush() {
        isFlushScheduled = false
        guard !isStopped else { return }
        transmit()
        // Sending may have freed room, or ended a connection.
        if !notified.isEmpty {
            for wire in exchange(&notified, with: []) { wire.deliverPending() }
        }
        pump()
        guard !isStopped else { return }
        updateTimer()
    }

    private func transmit() {
        unsafe transmit(UnsafeMutableRawBufferPointer(rebasing: loop.plaintextBuffer[..<Self.sendBufferBytes]))
    }

    private func transmit(_ buffer: UnsafeMutableRawBufferPointer) {
        hasNewData = false
        guard rest == nil, !socket.isClosed else { return }
        for _ in 0..<Self.sendsPerTurn {
            guard let transmit = unsafe endpoint.pollTransmit(into: buffer, now: now) else { return }
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<min(transmit.byteCount, buffer.count)])
            guard unsafe send(bytes, transmit) else { return }
        }
        scheduleFlush()
    }

    /// False when the socket is full; what it did not take waits until it has room.
    private func send(_ bytes: UnsafeRawBufferPointer, _ transmit: QUICTransmit) -> Bool {
        guard let remote = addresses.address(transmit.path.remote) else { return true }
        let local = addresses.address(transmit.path.local)
        let result = socket.send(
            unsafe bytes.bytes, segmentBytes: transmit.segmentBytes, ecn: ECN(rawValue: transmit.ecn) ?? .notCapable,
            from: local, to: remote)
        guard case .blocked(let sentBytes) = result else { return true }
        // Everything else that did not go out is a loss like any other.
        let unsent = unsafe UnsafeRawBufferPointer(rebasing: bytes[min(sentBytes, bytes.count)...])
        rest = (unsafe Bytes(copying: unsent), transmit)
        return false
    }

    func writable(_ socket: UDPSocket) {
        if let (bytes, transmit) = rest.take() {
            guard unsafe bytes.withUnsafeBytes({ unsafe send($0, transmit) }) else { return }
        }
        scheduleFlush()
    }

    private func updateTimer() {
        guard let deadline = endpoint.nextDeadline else { return }
        let at = Int64(clamping: deadline)
        // One that fires too early looks again; the heap is not touched for every packet.
        guard at < timerDeadline else { return }
        timerDeadline = at
        loop.schedule(timer, for: self, at: at)
    }
}
