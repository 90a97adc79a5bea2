internal import NodeTransport

/// A stream's bytes from the moment they are written until they are acknowledged.
///
/// The pieces stay at their addresses all that time, because packets that are lost are packed again from there.
extension QUICStream {
    var hasUnsent: Bool { waitingBytes > 0 || (isEnding && !isEndSent) }

    func queue(_ piece: Bytes, isLast: Bool) {
        if !piece.isEmpty {
            waitingBytes += piece.count
            if firstPiece == nil {
                firstPiece = piece
            } else {
                let pieces = morePieces ?? FIFO()
                pieces.append(piece)
                morePieces = pieces
            }
        }
        if isLast { isEnding = true }
    }

    /// Writes to `vectors` where the next bytes lie, about `limit` of them. Answers how many vectors, and whether
    /// the stream ends behind them.
    func gather(_ vectors: UnsafeMutableBufferPointer<QUICVector>, limit: Int) -> (count: Int, isLast: Bool) {
        var filled = 0
        var gathered = 0
        var index = nextPiece
        var skipped = sentOfNext
        while filled < vectors.count && gathered < limit && gathered < waitingBytes, let bytes = piece(index) {
            let count = bytes.count - skipped
            // Sound: the piece stays here and keeps its slab, which does not move, until the bytes were acknowledged.
            unsafe bytes.withUnsafeBytes { buffer in
                guard let base = buffer.baseAddress else { return }
                unsafe vectors[filled] = QUICVector(
                    base: (base + skipped).assumingMemoryBound(to: UInt8.self), count: count)
            }
            filled += 1
            gathered += count
            index += 1
            skipped = 0
        }
        return (filled, isEnding && gathered == waitingBytes)
    }

    /// The next `count` bytes are in a packet.
    func didSend(_ count: Int, isLast: Bool) {
        var left = min(count, waitingBytes)
        waitingBytes -= left
        inFlightBytes += left
        if isLast { isEndSent = true }
        while left > 0, let bytes = piece(nextPiece) {
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
    func didAcknowledge(_ count: Int) {
        var left = min(count, inFlightBytes)
        inFlightBytes -= left
        while left > 0, let first = firstPiece {
            let step = min(left, first.count - acknowledgedOfFirst)
            left -= step
            acknowledgedOfFirst += step
            guard acknowledgedOfFirst == first.count else { break }
            firstPiece = morePieces?.popFirst()
            nextPiece -= 1
            acknowledgedOfFirst = 0
        }
    }

    /// Nothing more is sent; what is in packets stays until the stream is closed.
    func dropUnsent() {
        waitingBytes = 0
        isEnding = false
    }

    func dropAll() {
        dropUnsent()
        inFlightBytes = 0
        firstPiece = nil
        morePieces = nil
        acknowledgedOfFirst = 0
        nextPiece = 0
        sentOfNext = 0
    }

    private func piece(_ index: Int) -> Bytes? {
        index == 0 ? firstPiece : morePieces?[index - 1]
    }
}
