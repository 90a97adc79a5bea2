internal import NodeTransport

// What QUIC packs.

/// The next run of bytes for one stream.
package struct HTTP3Write {
    package let stream: Int64
    package let segmentCount: Int
    package let byteCount: Int
    /// The stream ends behind these bytes.
    package let isFinal: Bool
}

extension HTTP3Connection {
    /// Whether something is to be sent on a stream that is not blocked.
    package var hasOutput: Bool {
        mutating get {
            guard failure == nil else { return false }
            collectDecoderStream()
            return control.wantsTurn || decoderStream.wantsTurn || encoderStream.wantsTurn || turns.first() != nil
        }
    }

    /// Lends what is to be sent next, or nil when nothing is.
    ///
    /// The bytes stay at their address until they are acknowledged or the stream is closed. The answer to each call is
    /// ``didWrite(stream:byteCount:into:)`` with what was taken, or ``block(stream:)``; without either the same comes
    /// again.
    /// - Parameter segments: room for at least one; 16 are always enough to fill a packet.
    package mutating func nextWrite(
        into segments: UnsafeMutableBufferPointer<OutputSegment>
    ) throws(HTTP3Error) -> HTTP3Write? {
        if let failure { throw failure }
        guard segments.count > 0 else { return nil }
        collectDecoderStream()
        if control.wantsTurn { return unsafe Self.gather(control.id, control.output, segments) }
        if decoderStream.wantsTurn { return unsafe Self.gather(decoderStream.id, decoderStream.output, segments) }
        // What field sections will refer to goes before them.
        if encoderStream.wantsTurn { return unsafe Self.gather(encoderStream.id, encoderStream.output, segments) }
        guard let stream = turns.first() else { return nil }
        return unsafe Self.gather(stream.id, stream.output, segments)
    }

    private static func gather(
        _ id: Int64, _ output: borrowing SendBuffer, _ segments: UnsafeMutableBufferPointer<OutputSegment>
    ) -> HTTP3Write {
        let (segmentCount, byteCount, isFinal) = unsafe output.gather(into: segments)
        return HTTP3Write(stream: id, segmentCount: segmentCount, byteCount: byteCount, isFinal: isFinal)
    }

    /// Moves the decoder's answers to its stream, no more than fit: a peer that gives no credit for them is stopped by
    /// the decoder's own limit.
    private mutating func collectDecoderStream() {
        guard decoderStream.id >= 0, decoderStream.output.unsentBytes == 0, decoder.decoderStreamBytes > 0 else {
            return
        }
        decoderStream.output.append(decoder.takeDecoderStream())
    }

    /// QUIC took so many bytes of what ``nextWrite(into:)`` lent; all of them means the end too, where it was offered.
    package mutating func didWrite(stream id: Int64, byteCount: Int, into events: inout HTTP3Events) {
        if id & 2 != 0 {
            return withOwnStream(id) { $0.output.advance(byteCount, endTaken: false) }
        }
        guard let stream = streams.stream(id) else { return }
        stream.output.advance(byteCount, endTaken: byteCount >= stream.output.unsentBytes)
        stream.turnBytes += byteCount
        if stream.awaitsDrained, stream.output.unsentBytes < configuration.streamQueueLowWaterBytes {
            stream.awaitsDrained = false
            events.list.append(.drained(id))
        }
        if turns.first() === stream, stream.turnBytes >= configuration.turnBytes { turns.rotate() }
    }

    /// QUIC takes nothing of that stream now (flow control).
    package mutating func block(stream id: Int64) {
        if id & 2 != 0 { return withOwnStream(id) { $0.isBlocked = true } }
        streams.stream(id)?.isWriteBlocked = true
    }

    /// QUIC takes bytes of that stream again.
    package mutating func unblock(stream id: Int64) {
        if id & 2 != 0 { return withOwnStream(id) { $0.isBlocked = false } }
        guard let stream = streams.stream(id) else { return }
        stream.isWriteBlocked = false
        queue(stream)
    }

    /// The peer has acknowledged the next so many bytes of a stream; their memory is free.
    package mutating func acknowledged(stream id: Int64, byteCount: Int) {
        if id & 2 != 0 { return withOwnStream(id) { $0.output.acknowledge(byteCount) } }
        streams.stream(id)?.output.acknowledge(byteCount)
    }

    private mutating func withOwnStream(_ id: Int64, _ body: (inout OwnStream) -> Void) {
        guard id >= 0 else { return }
        if id == control.id {
            body(&control)
        } else if id == encoderStream.id {
            body(&encoderStream)
        } else if id == decoderStream.id {
            body(&decoderStream)
        }
    }
}
