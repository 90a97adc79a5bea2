internal import CNGTCP2
internal import NodeTransport
internal import StreamTables

extension QUICConnection {
    /// Writes the packets that may leave together; nil when none may now.
    func fill(_ buffer: UnsafeMutableRawBufferPointer, now: QUICTime) -> QUICTransmit? {
        guard let handle = unsafe handle else { return nil }
        submitNewToken(now: now)
        returnCredit()
        var first = cngtcp2_route()
        var route = cngtcp2_route()
        var used = 0
        var segment = 0
        var packets = 0
        var isMore = false
        let quantum = unsafe min(max(cngtcp2_send_quantum(handle), core.configuration.maxUDPPayloadBytes), buffer.count)
        blackHoles.check(now: now) { unsafe cngtcp2_probe_timeout(handle) }
        hasSentAll = false
        let payloadLimit = blackHoles.isSmall ? BlackHoleWatch.safePayloadBytes : .max
        while packets < QUICEndpoint.maximumSegments {
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[used...])
            // What is left must have room for the largest packet, a probe of the path's MTU.
            guard room.count >= core.configuration.maxUDPPayloadBytes else {
                isMore = true
                break
            }
            streamInPacket = nil
            let size = unsafe writePacket(
                UnsafeMutableRawBufferPointer(rebasing: room.prefix(payloadLimit)), &route, now: now)
            if size < 0 {
                fail(Int32(truncatingIfNeeded: size), now: now)
                break
            }
            if size == 0 { break }
            if let streamInPacket { blackHoles.sent(size, stream: streamInPacket, now: now) }
            counters.packetsSent += 1
            counters.bytesSent += UInt64(size)
            packets += 1
            if packets == 1 {
                first = route
                segment = size
            } else if size > segment || route.ecn != first.ecn || QUICPath(raw: route.path) != QUICPath(raw: first.path)
            {
                unsafe core.heldOver.bytes.append(contentsOf: unsafe room[..<size])
                core.heldOver.route = route
                isMore = true
                break
            }
            used += size
            if size < segment || used + segment > quantum {
                isMore = true
                break
            }
        }
        if packets == QUICEndpoint.maximumSegments { isMore = true }
        guard unsafe self.handle != nil else {
            return used > 0 ? transmit(used, segment, first) : nil
        }
        // The handshake is not paced: before there is a round-trip time ngtcp2 would spread its few packets over
        // 333 ms, and RFC 9002 §7.7 allows a burst of the initial window.
        if used > 0 && isHandshakeCompleted { unsafe cngtcp2_sent(handle, now) }
        if isMore { core.markReady(self) }
        updateDeadline(now: now)
        return used > 0 ? transmit(used, segment, first) : nil
    }

    private func transmit(_ used: Int, _ segment: Int, _ route: cngtcp2_route) -> QUICTransmit {
        QUICTransmit(
            byteCount: used, segmentBytes: segment, ecn: UInt8(truncatingIfNeeded: route.ecn),
            path: QUICPath(raw: route.path))
    }

    func updateDeadline(now: QUICTime) {
        guard let handle = unsafe handle else { return }
        var expiry = unsafe cngtcp2_expiry(handle)
        // What is due already was looked at just now; time has to pass before it is worth another look.
        if expiry <= now { expiry = now + 100_000 }
        // When nothing waits to be sent, what is nearer than timers are (RFC 9002 §6.1.2) is when the next packet might go:
        // a look then is for nothing, and there would be one for every packet.
        let soonest = now.after(.milliseconds(1))
        if hasSentAll && expiry < soonest { expiry = deadline > now && deadline < soonest ? deadline : soonest }
        core.deadlines.set(self, expiry)
    }

    /// One packet: its size, 0 if there is none to send now, or what failed.
    private func writePacket(_ room: UnsafeMutableRawBufferPointer, _ route: inout cngtcp2_route, now: QUICTime) -> Int
    {
        // A server that took early data answers it in its first flight (RFC 9001 §5.7).
        if isHandshakeCompleted || offersEarlyData || (isServer && !streams.isEmpty) {
            // Each turn either ends a packet, or takes something out of a queue; the bound is for a source that
            // keeps offering what it was told is blocked.
            for _ in 0..<4096 {
                let outcome: Outcome =
                    if !datagrams.isEmpty {
                        unsafe writeDatagram(room, &route, now: now)
                    } else if let source {
                        unsafe writeOffer(of: source, room, &route, now: now)
                    } else {
                        unsafe writeStream(room, &route, now: now)
                    }
                switch outcome {
                case .packet(let size): return size
                case .more: continue
                case .nothing:
                    let size = unsafe finishPacket(room, &route, now: now)
                    hasSentAll = size == 0
                    return size
                }
            }
        }
        return unsafe finishPacket(room, &route, now: now)
    }

    private enum Outcome {
        /// A packet is complete, or there is none (0), or it failed.
        case packet(Int)
        case more
        case nothing
    }

    private func finishPacket(_ room: UnsafeMutableRawBufferPointer, _ route: inout cngtcp2_route, now: QUICTime) -> Int
    {
        guard let handle = unsafe handle else { return 0 }
        var accepted: Int64 = 0
        return unsafe Int(
            cngtcp2_write_stream(
                handle, &route, room.baseAddress, room.count, -1, nil, 0, false, false, &accepted, now))
    }

    private func writeDatagram(
        _ room: UnsafeMutableRawBufferPointer, _ route: inout cngtcp2_route, now: QUICTime
    ) -> Outcome {
        guard let handle = unsafe handle, let next = datagrams.first else { return .nothing }
        guard next.bytes.count <= maxDatagramBytes else {
            // The path or the peer takes less than when it was queued.
            datagrams.dropFirst()
            return .more
        }
        var isAccepted = false
        let result = unsafe next.bytes.withUnsafeBytes { bytes in
            unsafe cngtcp2_write_datagram(
                handle, &route, room.baseAddress, room.count, next.id, bytes.baseAddress, bytes.count, &isAccepted, now)
        }
        if isAccepted {
            blackHoles.sentDatagram(next.id, byteCount: next.bytes.count)
            datagrams.removeFirst()
        }
        switch result {
        case 0...: return .packet(Int(result))
        case Int64(CNGTCP2_WRITE_MORE): return .more
        case Int64(CNGTCP2_INVALID_ARGUMENT), Int64(CNGTCP2_INVALID_STATE):
            datagrams.dropFirst()
            return .more
        default: return .packet(Int(result))
        }
    }

    private func writeOffer(
        of source: any QUICStreamSource, _ room: UnsafeMutableRawBufferPointer, _ route: inout cngtcp2_route,
        now: QUICTime
    ) -> Outcome {
        guard let handle = unsafe handle, let offer = unsafe source.nextOffer(core.vectors) else {
            return unsafe writeStream(room, &route, now: now)
        }
        var accepted: Int64 = -1
        let result = unsafe cngtcp2_write_stream(
            handle, &route, room.baseAddress, room.count, offer.stream, core.vectors.baseAddress,
            min(max(offer.vectorCount, 0), QUICVector.maximumCount), offer.isLast, true, &accepted, now)
        if accepted >= 0 {
            streamInPacket = offer.stream
            if accepted > 0, let stream = streams[offer.stream], !stream.isFedBySource { stream.isFedBySource = true }
            source.didAccept(stream: offer.stream, byteCount: Int(accepted))
        }
        switch result {
        case 0...: return .packet(Int(result))
        case Int64(CNGTCP2_WRITE_MORE): return .more
        case Int64(CNGTCP2_STREAM_BLOCKED):
            if let stream = streams[offer.stream] {
                stream.isFedBySource = true
                block(stream)
            }
            source.didBlock(stream: offer.stream)
            return .more
        case Int64(CNGTCP2_STREAM_SHUT_WRITE), Int64(CNGTCP2_STREAM_NOT_FOUND):
            source.didShutWrite(stream: offer.stream)
            if let stream = streams[offer.stream] { stopped(stream) }
            return .more
        default: return .packet(Int(result))
        }
    }

    private func writeStream(
        _ room: UnsafeMutableRawBufferPointer, _ route: inout cngtcp2_route, now: QUICTime
    ) -> Outcome {
        guard let handle = unsafe handle, let stream = sendable.first else { return .nothing }
        guard stream.hasUnsent, !stream.isClosed else {
            dequeueFirst(stream)
            return .more
        }
        let (count, isLast) = unsafe stream.gather(
            core.vectors, limit: core.configuration.maxUDPPayloadBytes)
        let offered = stream.unsentBytes
        var accepted: Int64 = -1
        let result = unsafe cngtcp2_write_stream(
            handle, &route, room.baseAddress, room.count, stream.id, core.vectors.baseAddress, count, isLast, true,
            &accepted, now)
        if accepted >= 0 {
            streamInPacket = stream.id
            stream.didSend(Int(accepted), isLast: isLast && Int(accepted) == offered)
            if stream.awaitsLowWater && stream.unsentBytes < core.configuration.streamLowWaterBytes {
                stream.awaitsLowWater = false
                if !stream.isSendingOver { core.events.appendWritable(stream) }
            }
        }
        switch result {
        case 0...:
            if accepted >= 0 {
                dequeueFirst(stream)
                // The next packet is another stream's turn.
                if stream.hasUnsent { enqueue(stream) }
            }
            return .packet(Int(result))
        case Int64(CNGTCP2_WRITE_MORE):
            if !stream.hasUnsent { dequeueFirst(stream) }
            return .more
        case Int64(CNGTCP2_STREAM_BLOCKED):
            dequeueFirst(stream)
            block(stream)
            return .more
        case Int64(CNGTCP2_STREAM_SHUT_WRITE), Int64(CNGTCP2_STREAM_NOT_FOUND):
            dequeueFirst(stream)
            stopped(stream)
            return .more
        default: return .packet(Int(result))
        }
    }

    private func dequeueFirst(_ stream: QUICStream) {
        _ = sendable.popFirst()
        stream.isQueued = false
    }

    private func block(_ stream: QUICStream) {
        guard !stream.isBlocked else { return }
        stream.isBlocked = true
        blocked.append(stream)
    }
}
