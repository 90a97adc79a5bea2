#if canImport(QUICTransport)
    internal import EventLoops
    internal import NodeTransport
    internal import QUICEngine

    /// A connection with nothing but streams and datagrams.
    ///
    /// Soundness of `@unchecked Sendable`: it is used on its loop only; tasks run there by their executor.
    final class RawConnection: @unchecked Sendable {
        struct Closed: Error { let reason: QUICCloseReason? }

        let quic: QUICConnection
        let driver: RawDriver
        /// What a later connection may resume with.
        var session: QUICSession?
        /// Told of each stream that the peer opens, and of each datagram.
        var onStream: ((RawStream) -> Void)?
        var onDatagram: ((Bytes) -> Void)?
        private var streams: [RawStream?] = []
        private var freeSlots: [Int] = []
        private var handshake: Suspension<Void>?
        private var waitingForCredit: [Suspension<Void>] = []
        private var isClosed = false
        private var isComplete = false

        init(_ quic: QUICConnection, _ driver: RawDriver) {
            self.quic = quic
            self.driver = driver
            quic.context = self
        }

        // MARK: For tasks on the loop

        nonisolated(nonsending) func waitForHandshake() async throws {
            guard !isComplete else { return }
            try await suspend { (suspension: Suspension<Void>) in
                if isClosed { return suspension.resume(throwing: Closed(reason: nil)) }
                handshake = suspension
            }
        }

        nonisolated(nonsending) func open() async throws -> RawStream {
            while true {
                do {
                    return enter(try quic.openStream(isBidirectional: true))
                } catch {
                    guard error.code == .noStreamCredit else { throw error }
                    try await suspend { (suspension: Suspension<Void>) in waitingForCredit.append(suspension) }
                }
            }
        }

        func send(datagram: Bytes) throws {
            _ = try quic.sendDatagram(datagram)
            driver.scheduleFlush()
        }

        func close() {
            quic.close(code: 0, now: driver.now)
            driver.scheduleFlush()
        }

        // MARK: For the driver

        func opened(_ stream: QUICStream, _ bytes: Bytes, isLast: Bool) {
            let raw = enter(stream)
            raw.received(bytes, isLast: isLast)
            onStream?(raw)
        }

        func datagramArrived(_ bytes: Bytes) { onDatagram?(bytes) }

        func handshakeCompleted() {
            isComplete = true
            handshake.take()?.resume()
        }

        func streamsAvailable() {
            for suspension in exchange(&waitingForCredit, with: []) { suspension.resume() }
        }

        /// The stream is over: it and what reads it refer to one another no longer.
        func forget(_ stream: QUICStream) {
            guard let raw = stream.raw else { return }
            streams[raw.slot] = nil
            freeSlots.append(raw.slot)
            stream.context = nil
        }

        func closed(_ reason: QUICCloseReason) {
            isClosed = true
            handshake.take()?.resume(throwing: Closed(reason: reason))
            for suspension in exchange(&waitingForCredit, with: []) {
                suspension.resume(throwing: Closed(reason: reason))
            }
            for stream in exchange(&streams, with: []) { stream?.closed(reason) }
            quic.context = nil
        }

        private func enter(_ stream: QUICStream) -> RawStream {
            let slot = freeSlots.popLast() ?? streams.count
            let raw = RawStream(stream, driver, slot: slot)
            stream.context = raw
            if slot == streams.count { streams.append(raw) } else { streams[slot] = raw }
            return raw
        }
    }

    extension QUICStream {
        /// What the benchmark keeps of it, until it is over.
        // Sound: nothing else is ever put there.
        var raw: RawStream? { context.map { unsafeDowncast($0, to: RawStream.self) } }
    }

    /// A bidirectional stream, for one task that reads and writes. As ``RawConnection``.
    final class RawStream: @unchecked Sendable {
        private let quic: QUICStream
        let slot: Int
        private let driver: RawDriver
        // Small calls come in one piece.
        private var first: Bytes?
        private var more: [Bytes] = []
        private var isEnded = false
        private var isClosed = false
        /// Why, where the whole connection is.
        private var reason: QUICCloseReason?
        private var reader: Suspension<Void>?
        private var writer: Suspension<Void>?

        init(_ quic: QUICStream, _ driver: RawDriver, slot: Int) {
            self.quic = quic
            self.driver = driver
            self.slot = slot
        }

        /// What has come; nil at the end.
        nonisolated(nonsending) func read() async throws -> Bytes? {
            while first == nil {
                if isEnded { return nil }
                if isClosed { throw RawConnection.Closed(reason: reason) }
                try await suspend { (suspension: Suspension<Void>) in reader = suspension }
            }
            guard let bytes = first.take() else { return nil }
            if !more.isEmpty { first = more.removeFirst() }
            quic.connection.consume(quic, byteCount: bytes.count)
            driver.scheduleFlush()
            return bytes
        }

        /// Sends, and returns when there is room for more.
        nonisolated(nonsending) func write(_ bytes: Bytes, isLast: Bool = false) async throws {
            while true {
                switch quic.connection.write(quic, bytes, isLast: isLast) {
                case .accepted: return driver.scheduleFlushOfData()
                case .acceptedAndFull:
                    driver.scheduleFlushOfData()
                    // Nobody is told of room on a stream that takes no more.
                    guard !isLast else { return }
                    return try await suspend { (suspension: Suspension<Void>) in writer = suspension }
                case .refusedAsFull: try await suspend { (suspension: Suspension<Void>) in writer = suspension }
                case .closed: throw RawConnection.Closed(reason: reason)
                }
            }
        }

        func received(_ bytes: Bytes, isLast: Bool) {
            if !bytes.isEmpty { if first == nil { first = bytes } else { more.append(bytes) } }
            if isLast { isEnded = true }
            reader.take()?.resume()
        }

        func writable() { writer.take()?.resume() }

        func closed(_ reason: QUICCloseReason? = nil) {
            isClosed = true
            self.reason = self.reason ?? reason
            // Nothing more is heard of any stream.
            if quic.connection.isClosed { quic.context = nil }
            reader.take()?.resume()
            writer.take()?.resume()
        }
    }
#endif
