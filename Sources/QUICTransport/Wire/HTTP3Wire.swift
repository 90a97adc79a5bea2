internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine

/// What a connection hears from its wire, on its loop.
protocol HTTP3WireOwner: AnyObject, Sendable {
    /// The handshake is complete on this side.
    func wasAccepted()
    /// The server has not taken what was sent early: the streams so far are gone.
    func earlyDataRejected()
    /// The peer has judged this side too, and its settings have come.
    func ready()
    func process(_ events: HTTP3Events, _ input: UnsafeRawBufferPointer)
    /// More streams may be opened.
    func streamsAvailable()
    /// The peer broke HTTP/3.
    func failed(_ error: HTTP3Error)
    func connectionClosed(_ reason: QUICCloseReason)
    /// The peer knows of every GOAWAY that was sent.
    func goAwayAcknowledged()
    func received(_ session: QUICSession)
    func received(token: Bytes)
    func received(datagram: Bytes)
    func moved(to path: QUICPath)
}

/// HTTP/3 on one QUIC connection: moves bytes and notices between the two engines.
///
/// Owned by a connection's actor.
///
/// Soundness of `@unchecked Sendable`: it is used on its loop only.
final class HTTP3Wire: QUICStreamSource, @unchecked Sendable {
    let quic: QUICConnection
    let driver: QUICDriver
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var http3: HTTP3Connection
    /// Gone once the connection is closed.
    var owner: (any HTTP3WireOwner)?
    private let configuration: HTTP3Configuration
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) private var events = HTTP3Events()
    /// How far a GOAWAY is on its way.
    private enum GoAway { case none, queued, sent }

    private var isNotified = false
    private var isReady = false
    private var controlStream: Int64 = -1
    /// What was sent of the control stream, and what the peer has acknowledged of it.
    private var controlBytes = (sent: 0, acknowledged: 0)
    private var goAway = GoAway.none

    init(_ quic: QUICConnection, driver: QUICDriver, role: HTTP3Role, configuration: HTTP3Configuration) {
        self.quic = quic
        self.driver = driver
        self.configuration = configuration
        http3 = HTTP3Connection(role: role, configuration: configuration)
    }

    /// Hears of the connection from now on.
    func attach(_ owner: any HTTP3WireOwner) {
        self.owner = owner
        quic.context = self
        quic.source = self
    }

    /// Lets go of everything that would keep it alive.
    func detach() {
        owner = nil
        // It goes outside of the access.
        _ = quic.context.take()
        quic.source = nil
    }

    /// Something was put into the engines.
    func sourceHasData() {
        quic.sourceHasData()
        driver.scheduleFlushOfData()
    }

    func close(_ code: HTTP3ErrorCode, _ reason: String) {
        quic.close(code: code.rawValue, reason: reason, now: driver.now)
        driver.scheduleFlush()
    }

    // MARK: The connection

    func handshakeCompleted() {
        owner?.wasAccepted()
        guard controlStream < 0, !bind() else { return }
        // RFC 9114 §6.2: three at least.
        owner?.failed(HTTP3Error(.generalProtocolError, "the peer allows no unidirectional streams"))
    }

    /// Opens the streams that HTTP/3 needs; false when the peer does not allow them, or not yet.
    private func bind() -> Bool {
        guard quic.streamsLeft(isBidirectional: false) >= 3 else { return false }
        do throws(QUICError) {
            let control = try quic.openStream(isBidirectional: false)
            let encoder = try quic.openStream(isBidirectional: false)
            let decoder = try quic.openStream(isBidirectional: false)
            controlStream = control.id
            http3.bind(control: control.id, qpackEncoder: encoder.id, qpackDecoder: decoder.id)
            sourceHasData()
            return true
        } catch {
            return false
        }
    }

    func handshakeConfirmed() { checkReady() }

    /// Client: begins to send before the server has answered, by what it said on an earlier connection. False when that
    /// leaves no room for what HTTP/3 needs.
    func beginEarly(_ settings: RememberedSettings) -> Bool {
        http3.assume(settings)
        return bind()
    }

    /// Everything begins anew, but for the QUIC connection.
    func earlyDataRejected() {
        http3 = HTTP3Connection(role: .client, configuration: configuration)
        events = HTTP3Events()
        controlStream = -1
        controlBytes = (0, 0)
        owner?.earlyDataRejected()
    }

    private func checkReady() {
        guard !isReady, quic.isHandshakeConfirmed, http3.hasReceivedSettings else { return }
        isReady = true
        owner?.ready()
    }

    func connectionClosed(_ reason: QUICCloseReason) { owner?.connectionClosed(reason) }

    /// Tells the peer to send no more requests; ``HTTP3WireOwner/goAwayAcknowledged()`` follows when it knows.
    func announceShutdown() {
        http3.submitShutdownNotice()
        goAway = .queued
        sourceHasData()
    }

    func finishShutdown() {
        http3.shutdown()
        sourceHasData()
    }

    // MARK: What QUIC reports

    func received(_ stream: QUICStream, _ bytes: Bytes, isLast: Bool) {
        // A server answers early data at once.
        if controlStream < 0, quic.isServer { _ = bind() }
        receive { () throws(HTTP3Error) in
            let count = try http3.receive(stream: stream.id, bytes.bytes, isFinal: isLast, into: &events)
            if count > 0 { quic.consume(stream, byteCount: count) }
        }
        unsafe bytes.withUnsafeBytes { unsafe deliver($0) }
        if !isReady { checkReady() }
    }

    func acknowledged(_ stream: QUICStream, _ byteCount: Int) {
        http3.acknowledged(stream: stream.id, byteCount: byteCount)
        guard stream.id == controlStream else { return }
        controlBytes.acknowledged += byteCount
        guard goAway == .sent, controlBytes.acknowledged >= controlBytes.sent else { return }
        goAway = .none
        owner?.goAwayAcknowledged()
    }

    func wasReset(_ stream: QUICStream, _ code: UInt64) {
        receive { () throws(HTTP3Error) in
            try http3.receivedReset(stream: stream.id, HTTP3ErrorCode(rawValue: code), into: &events)
        }
        deliver()
    }

    func wasStopped(_ stream: QUICStream) {
        receive { () throws(HTTP3Error) in
            try http3.receivedStopSending(stream: stream.id, .requestCancelled, into: &events)
        }
        deliver()
    }

    func closed(_ stream: QUICStream) {
        receive { () throws(HTTP3Error) in try http3.closed(stream: stream.id, into: &events) }
        deliver()
    }

    func unblocked(_ stream: QUICStream) {
        http3.unblock(stream: stream.id)
        sourceHasData()
    }

    private func receive(_ body: () throws(HTTP3Error) -> Void) {
        do throws(HTTP3Error) {
            try body()
        } catch {
            owner?.failed(error)
        }
    }

    private func deliver() { unsafe deliver(UnsafeRawBufferPointer(start: nil, count: 0)) }

    private func deliver(_ input: UnsafeRawBufferPointer) {
        guard !events.list.isEmpty else { return }
        var batch = HTTP3Events()
        swap(&batch, &events)
        unsafe owner?.process(batch, input)
        batch.removeAll()
        // Events that came while the batch was processed stay in front of its empty storage.
        if events.list.isEmpty { swap(&batch, &events) } else { notify() }
    }

    /// Events that no input led to.
    func deliverPending() {
        isNotified = false
        deliver()
    }

    private func notify() {
        guard !isNotified else { return }
        isNotified = true
        driver.notify(self)
        driver.scheduleFlush()
    }

    // MARK: What calls do with a stream

    func consume(_ id: Int64, _ byteCount: Int) {
        guard byteCount > 0, let stream = quic.stream(id) else { return }
        quic.consume(stream, byteCount: byteCount)
        driver.scheduleFlush()
    }

    /// Gives a stream up in both directions.
    func reset(_ id: Int64, _ code: HTTP3ErrorCode) {
        http3.reset(stream: id, into: &events)
        if !events.list.isEmpty { notify() }
        guard let stream = quic.stream(id) else { return }
        quic.reset(stream, code: code.rawValue)
        quic.stopSending(stream, code: code.rawValue)
        driver.scheduleFlush()
    }

    /// Sends nothing further.
    func stopWriting(_ id: Int64, _ code: HTTP3ErrorCode) {
        http3.shutdownWrite(stream: id)
        guard let stream = quic.stream(id) else { return }
        quic.reset(stream, code: code.rawValue)
        driver.scheduleFlush()
    }

    /// Wants nothing further.
    func stopReading(_ id: Int64, _ code: HTTP3ErrorCode) {
        http3.shutdownRead(stream: id, into: &events)
        if !events.list.isEmpty { notify() }
        guard let stream = quic.stream(id) else { return }
        quic.stopSending(stream, code: code.rawValue)
        driver.scheduleFlush()
    }

    // MARK: Feeding QUIC

    func nextOffer(_ vectors: UnsafeMutableBufferPointer<QUICVector>) -> QUICStreamOffer? {
        // Sound: both are a pointer and a count, laid out alike.
        let write = unsafe vectors.withMemoryRebound(to: OutputSegment.self) { segments in
            do throws(HTTP3Error) {
                return try unsafe http3.nextWrite(into: segments)
            } catch {
                return nil
            }
        }
        guard let write else { return nil }
        return QUICStreamOffer(stream: write.stream, vectorCount: write.segmentCount, isLast: write.isFinal)
    }

    func didAccept(stream: Int64, byteCount: Int) {
        http3.didWrite(stream: stream, byteCount: byteCount, into: &events)
        if stream == controlStream {
            controlBytes.sent += byteCount
            if goAway == .queued { goAway = .sent }
        }
        if !events.list.isEmpty { notify() }
    }

    func didBlock(stream: Int64) { http3.block(stream: stream) }

    func didShutWrite(stream: Int64) { http3.shutdownWrite(stream: stream) }
}
