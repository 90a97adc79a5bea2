internal import CNGTCP2
internal import NodeTransport

extension QUICEndpoint {
    /// Takes in what one read brought: datagrams that lie one behind the other, each of `segmentBytes`, the last
    /// perhaps shorter (as GRO delivers them).
    ///
    /// - Parameter ecn: the ECN bits of the IP header, 0 to 3.
    package func receive(
        _ datagrams: UnsafeRawBufferPointer, segmentBytes: Int, ecn: UInt8 = 0, path: QUICPath, now: QUICTime
    ) {
        let segment = max(segmentBytes, 1)
        core.events.beginBatch(byteCount: datagrams.count)
        var position = 0
        var last: (id: ConnectionID, connection: QUICConnection)?
        while position < datagrams.count {
            let end = min(position + segment, datagrams.count)
            let datagram = unsafe UnsafeRawBufferPointer(rebasing: datagrams[position..<end])
            position = end
            // Events nobody takes: the peer's packets are lost, and it slows down.
            guard core.events.count < core.configuration.maxQueuedEvents else { break }
            if datagram.count > ConnectionID.ownBytes, let base = datagram.baseAddress, unsafe datagram[0] & 0x80 == 0 {
                let id = unsafe ConnectionID(ownAt: base + 1)
                if let last, last.id == id {
                    unsafe last.connection.receive(datagram, ecn: ecn, path: path, now: now)
                    continue
                }
                if let connection = core.connections[id] {
                    last = (id, connection)
                    unsafe connection.receive(datagram, ecn: ecn, path: path, now: now)
                    continue
                }
                unsafe receiveUnknownShort(datagram, id: id, ecn: ecn, path: path, now: now)
            } else {
                unsafe receiveLong(datagram, ecn: ecn, path: path, now: now)
            }
        }
        core.events.endBatch()
    }

    /// A short header with an ID that is not known: a stateless reset, or reason for one.
    private func receiveUnknownShort(
        _ datagram: UnsafeRawBufferPointer, id: ConnectionID, ecn: UInt8, path: QUICPath, now: QUICTime
    ) {
        guard let base = datagram.baseAddress else { return }
        // RFC 9000 §10.3: the token is in the last 16 bytes, 21 bytes are the least.
        if datagram.count >= 21 {
            let token = unsafe ResetToken(at: base + datagram.count - ResetToken.byteCount)
            if let connection = core.resetTokens[token] {
                unsafe connection.receive(datagram, ecn: ecn, path: path, now: now)
                return
            }
        }
        sendStatelessReset(triggeredBy: datagram.count, id: id, path: path, now: now)
    }

    /// A reset is shorter than what it answers, so that two endpoints cannot go on answering one another.
    private func sendStatelessReset(triggeredBy byteCount: Int, id: ConnectionID, path: QUICPath, now: QUICTime) {
        let rate = core.configuration.statelessResetsPerSecond
        let size = min(byteCount - 1, 42)
        guard size >= 22, rate > 0, let token = core.resetToken(for: id) else { return }
        var bucket = core.resetRate ?? TokenBucket(full: rate, now: now)
        let isAllowed = bucket.take(ratePerSecond: rate, burst: rate, now: now)
        core.resetRate = bucket
        guard isAllowed else { return }
        let packet = unsafe makePacket { room in
            unsafe withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { random in
                unsafe core.fillRandom(unsafe random)
                return unsafe cngtcp2_write_stateless_reset(
                    room.baseAddress, room.count, token.raw, random.baseAddress, size - ResetToken.byteCount)
            }
        }
        if let packet { core.sendStray(StrayPacket(bytes: packet, path: path)) }
    }

    private func receiveLong(_ datagram: UnsafeRawBufferPointer, ecn: UInt8, path: QUICPath, now: QUICTime) {
        guard let bytes = unsafe datagram.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
        var header = cngtcp2_header()
        guard unsafe cngtcp2_decode_header(bytes, datagram.count, ConnectionID.ownBytes, &header), header.is_long else {
            return
        }
        if let connection = core.connections[ConnectionID(raw: header.destination_id)] {
            unsafe connection.receive(datagram, ecn: ecn, path: path, now: now)
            return
        }
        // RFC 9000 §6.1, §14.1: nobody is answered who sent less than a client must.
        guard let server, header.version != 0, datagram.count >= 1200 else { return }
        guard header.version == 1 else {
            let random = UInt8(truncatingIfNeeded: core.random())
            let packet = unsafe makePacket { room in
                unsafe cngtcp2_write_version_negotiation(room.baseAddress, room.count, random, &header)
            }
            if let packet { core.sendStray(StrayPacket(bytes: packet, path: path)) }
            return
        }
        unsafe accept(datagram, credentials: server, ecn: ecn, path: path, now: now)
    }

    func makePacket(_ write: (UnsafeMutableBufferPointer<UInt8>) -> Int) -> [UInt8]? {
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1500) { room, count in
            unsafe room.initialize(repeating: 0)
            count = unsafe min(write(room), 1500)
        }
        return bytes.isEmpty ? nil : bytes
    }
}
