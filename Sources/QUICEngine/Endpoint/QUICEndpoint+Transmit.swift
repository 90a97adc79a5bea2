internal import CNGTCP2

extension QUICEndpoint {
    /// The most datagrams that one send may be cut into (the kernel's UDP_MAX_SEGMENTS).
    static var maximumSegments: Int { 64 }

    /// Writes what is to be sent next to `buffer`; nil when there is nothing now. To be called until then after
    /// each input.
    ///
    /// - Precondition: `buffer` has room for ``QUICConfiguration/maxUDPPayloadBytes``; 64 KiB suit.
    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: QUICTime) -> QUICTransmit? {
        precondition(buffer.count >= core.configuration.maxUDPPayloadBytes, "no room for the largest packet")
        if !core.heldOver.bytes.isEmpty {
            let packet = core.heldOver
            core.heldOver.bytes.removeAll(keepingCapacity: true)
            let path = QUICPath(raw: packet.route.path)
            return unsafe send(packet.bytes, ecn: packet.route.ecn, path: path, into: buffer)
        }
        // A connection that fails while it is asked leaves a stray packet behind.
        while true {
            while let stray = core.strays.popFirst() {
                if let transmit = unsafe send(stray.bytes, ecn: 0, path: stray.path, into: buffer) { return transmit }
            }
            guard let connection = core.ready.popFirst() else { return nil }
            connection.isReady = false
            if let transmit = unsafe connection.fill(buffer, now: now) { return transmit }
        }
    }

    private func send(
        _ packet: [UInt8], ecn: UInt32, path: QUICPath, into buffer: UnsafeMutableRawBufferPointer
    ) -> QUICTransmit? {
        guard !packet.isEmpty && packet.count <= buffer.count else { return nil }
        unsafe buffer.copyBytes(from: packet)
        return QUICTransmit(
            byteCount: packet.count, segmentBytes: packet.count, ecn: UInt8(truncatingIfNeeded: ecn), path: path)
    }
}
