#if canImport(QUICTransport)
    internal import EventLoops
    internal import NodeTransport
    internal import QUICEngine

    /// One UDP socket with its QUIC endpoint, on one loop, for raw streams: what the transport's own driver does for
    /// HTTP/3, without HTTP/3.
    ///
    /// Soundness of `@unchecked Sendable`: it is used on its loop only.
    final class RawDriver: QUICEventHandler, UDPSocketHandler, LoopFlushable, LoopTimerHandler, @unchecked Sendable {
        private static let sendsPerTurn = 64
        private static let sendBufferBytes = 65_536
        private static let eventsPerFlush = 96

        let loop: EventLoop
        let endpoint: QUICEndpoint
        let socket: UDPSocket
        /// Told of connections that clients open.
        private let accepted: ((RawConnection) -> Void)?
        private var peers: [QUICAddress: InternetAddress] = [:]
        private var last: (remote: InternetAddress, path: QUICPath)?
        private var isFlushScheduled = false
        private var hasNewData = false
        private var isStopped = false
        private var rest: (bytes: Bytes, transmit: QUICTransmit)?
        private let timer = LoopTimer()
        private var timerDeadline = Int64.max

        init(socket: UDPSocket, endpoint: QUICEndpoint, accepted: ((RawConnection) -> Void)? = nil) {
            loop = socket.loop
            self.socket = socket
            self.endpoint = endpoint
            self.accepted = accepted
        }

        var now: QUICTime { QUICTime(max(loop.now, 0)) }

        func start() throws { try socket.start(self) }

        /// Sends what is left and closes the socket.
        func stop() {
            guard !isStopped else { return }
            flush()
            isStopped = true
            loop.cancel(timer)
            socket.close()
        }

        func scheduleFlushOfData() {
            hasNewData = true
            scheduleFlush()
        }

        func scheduleFlush() {
            guard !isFlushScheduled, !isStopped else { return }
            isFlushScheduled = true
            loop.scheduleFlush(self)
        }

        /// A path from this socket; nil for an address that is none.
        func path(local: InternetAddress? = nil, to remote: InternetAddress) -> QUICPath? {
            if let last, last.remote == remote { return last.path }
            guard let from = Self.address(local ?? socket.localAddress), let to = Self.address(remote) else {
                return nil
            }
            // Clients come and go; a peer that was forgotten is remembered with its next datagram.
            if peers.count > 4096 { peers.removeAll() }
            peers[to] = remote
            let path = QUICPath(local: from, remote: to)
            last = (remote, path)
            return path
        }

        private static func address(_ address: InternetAddress) -> QUICAddress? {
            SocketAddress.internet(address).withPointer { pointer, count in
                QUICAddress(sockaddr: UnsafeRawBufferPointer(start: pointer, count: Int(count)))
            }
        }

        // MARK: Input

        func received(_ datagrams: borrowing UDPReceived, on socket: UDPSocket) {
            guard let path = path(local: datagrams.local, to: datagrams.remote) else { return }
            let (segmentBytes, ecn) = (datagrams.segmentBytes, datagrams.ecn.rawValue)
            datagrams.bytes.withUnsafeBytes { bytes in
                guard !bytes.isEmpty else { return }
                endpoint.receive(bytes, segmentBytes: segmentBytes, ecn: ecn, path: path, now: now)
            }
        }

        func receivedAll(on socket: UDPSocket) {
            pump()
            scheduleFlush()
        }

        func failed(_ failure: UDPFailure, on socket: UDPSocket) {}

        func writable(_ socket: UDPSocket) {
            if let (bytes, transmit) = rest.take() {
                guard bytes.withUnsafeBytes({ send($0, transmit) }) else { return }
            }
            scheduleFlush()
        }

        func timerFired(_ timer: LoopTimer) {
            timerDeadline = .max
            guard !isStopped else { return }
            endpoint.handleTimeout(now: now)
            pump()
            scheduleFlush()
        }

        // MARK: Events

        private func pump() {
            // What they led to goes out before the others are looked at, as the transport does.
            while endpoint.pollEvents(to: self, limit: Self.eventsPerFlush) == Self.eventsPerFlush {
                if hasNewData { transmit() }
            }
        }

        var takesEvents: Bool { !isStopped }

        func received(_ stream: QUICStream, _ bytes: Bytes, isLast: Bool) {
            if let raw = stream.raw {
                raw.received(bytes, isLast: isLast)
            } else {
                raw(stream.connection)?.opened(stream, bytes, isLast: isLast)
            }
        }

        func acknowledged(_ stream: QUICStream, byteCount: Int) {}

        func closed(_ stream: QUICStream, code: UInt64?) {
            stream.raw?.closed()
            raw(stream.connection)?.forget(stream)
        }

        func take(_ event: QUICEvent) {
            switch event {
            case .connectionOpened(let connection): accepted?(RawConnection(connection, self))
            case .streamWritable(let stream): stream.raw?.writable()
            case .streamReset(let stream, _), .streamStopped(let stream): stream.raw?.closed()
            case .streamsAvailable(let connection, _): raw(connection)?.streamsAvailable()
            case .handshakeCompleted(let connection): raw(connection)?.handshakeCompleted()
            case .connectionClosed(let connection, let reason): raw(connection)?.closed(reason)
            case .datagram(let connection, let bytes): raw(connection)?.datagramArrived(bytes)
            case .sessionTicket(let connection, let session): raw(connection)?.session = session
            default: break
            }
        }

        private func raw(_ connection: QUICConnection) -> RawConnection? { connection.context as? RawConnection }

        // MARK: Output

        func flush() {
            isFlushScheduled = false
            guard !isStopped else { return }
            transmit()
            pump()
            guard let deadline = endpoint.nextDeadline else { return }
            let at = Int64(clamping: deadline)
            guard at < timerDeadline else { return }
            timerDeadline = at
            loop.schedule(timer, for: self, at: at)
        }

        private func transmit() {
            hasNewData = false
            guard rest == nil, !socket.isClosed else { return }
            let buffer = UnsafeMutableRawBufferPointer(rebasing: loop.plaintextBuffer[..<Self.sendBufferBytes])
            for _ in 0..<Self.sendsPerTurn {
                guard let transmit = endpoint.pollTransmit(into: buffer, now: now) else { return }
                guard send(UnsafeRawBufferPointer(rebasing: buffer[..<transmit.byteCount]), transmit) else { return }
            }
            scheduleFlush()
        }

        /// False when the socket is full; what it did not take waits until it has room.
        private func send(_ bytes: UnsafeRawBufferPointer, _ transmit: QUICTransmit) -> Bool {
            guard let remote = peers[transmit.path.remote] else { return true }
            let result = socket.send(
                bytes.bytes, segmentBytes: transmit.segmentBytes, ecn: ECN(rawValue: transmit.ecn) ?? .notCapable,
                to: remote)
            guard case .blocked(let sentBytes) = result else { return true }
            rest = (Bytes(copying: UnsafeRawBufferPointer(rebasing: bytes[min(sentBytes, bytes.count)...])), transmit)
            return false
        }
    }
#endif
