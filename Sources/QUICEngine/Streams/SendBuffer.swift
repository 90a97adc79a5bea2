internal import NodeTransport

/// A stream's bytes from the moment they are written until they are acknowledged.
///
/// The pieces stay at their addresses all that time, because packets that are lost are packed again from there.
struct SendBuffer {
    private var pieces = FIFO<Bytes>()
    /// How much of the first piece was acknowledged.
    private var acknowledgedOfFirst = 0
    /// The next piece to send, counted from the first, and how much of it was sent.
    private var nextPiece = 0
    private var sentOfNext = 0

    private(set) var unsentBytes = 0
    /// Sent, not acknowledged.
    private(set) var inFlightBytes = 0
    /// The stream ends behind the last piece.
    private(set) var isEnding = false
    private(set) var isEndSent = false

    var hasUnsent: Bool { unsentBytes > 0 || (isEnding && !isEndSent) }

    mutating func append(_ piece: Bytes, isLast: Bool) {
        if !piece.isEmpty {
            pieces.append(piece)
            unsentBytes += piece.count
        }
        if isLast { isEnding = true }
    }

    /// Writes to `vectors` where the next bytes lie, about `limit` of them. Answers how many vectors, and whether
    /// the stream ends behind them.
    func gather(_ vectors: UnsafeMutableBufferPointer<QUICVector>, limit: Int) -> (count: Int, isLast: Bool) {
        var filled = 0
        var gathered = 0
        var piece = nextPiece
        var skipped = sentOfNext
        while filled < vectors.count && gathered < limit && gathered < unsentBytes, let bytes = pieces[piece] {
            let count = bytes.count - skipped
            // Sound: `pieces` keeps the slab, which does not move, until the bytes were acknowledged.
            unsafe bytes.withUnsafeBytes { buffer in
                guard let base = buffer.baseAddress else { return }
                unsafe vectors[filled] = QUICVector(
                    base: (base + skipped).assumingMemoryBound(to: UInt8.self), count: count)
            }
            filled += 1
            gathered += count
            piece += 1
            skipped = 0
        }
        return (filled, isEnding && gathered == unsentBytes)
    }

    /// The next `count` bytes are in a packet.
    mutating func didSend(_ count: Int, isLast: Bool) {
        var left = min(count, unsentBytes)
        unsentBytes -= left
        inFlightBytes += left
        if isLast { isEndSent = true }
        while left > 0, let bytes = pieces[nextPiece] {
            let step = min(left, bytes.count - sentOfNext)
            left -= step
            sentOfNext += step
            if sentOfNext == bytes.count {
                nextPiece += 1
                sentOfNext = 0
            }
        }
    }

    /// The first `count` bytes that were not acknowledged yet are.
    mutating func didAcknowledge(_ count: Int) {
        var left = min(count, inFlightBytes)
        inFlightBytes -= left
        while left > 0, let first = pieces.first {
            let step = min(left, first.count - acknowledgedOfFirst)
            left -= step
            acknowledgedOfFirst += step
            guard acknowledgedOfFirst == first.count else { break }
            _ = pieces.popFirst()
            nextPiece -= 1
            acknowledgedOfFirst = 0
        }
    }

    /// Nothing more is sent; what is in packets stays until the stream is closed.
    mutating func dropUnsent() {
        unsentBytes = 0
        isEnding = false
    }

    mutating func removeAll() {
        self = SendBuffer()
    }
}
