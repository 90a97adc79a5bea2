internal import EventLoops
internal import GRPCCalls
internal import NodeTransport

/// The content that has come and waits for its reader. Flow control bounds it: the sender gets credit for what was read.
struct IncomingBody: ~Copyable {
    private var buffer: BytesBuilder?
    private var waitingBytes = 0
    private var reader: Waiter<Bytes?>?
    private var collector: (waiter: Waiter<Bytes>, limitBytes: Int)?
    private(set) var end: Result<Void, TransportError>?

    /// Whether somebody waits for the sender.
    var isAwaited: Bool { reader?.isWaiting == true || collector?.waiter.isWaiting == true }

    /// Takes content; answers for how many bytes the sender gets credit now.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Int {
        if let reader = reader.take(), reader.isWaiting {
            reader.resume(.success(unsafe Bytes(copying: bytes)))
            return bytes.count
        }
        if let collector, collector.waiter.isWaiting {
            guard waitingBytes + bytes.count <= collector.limitBytes else {
                self.collector = nil
                collector.waiter.resume(.failure(Self.tooLarge(collector.limitBytes)))
                return bytes.count
            }
            unsafe keep(bytes)
            return bytes.count
        }
        unsafe keep(bytes)
        return 0
    }

    /// Small pieces are put together, or a peer that sends single bytes would cost many times what its window allows.
    private mutating func keep(_ bytes: UnsafeRawBufferPointer) {
        if buffer == nil { buffer = BytesBuilder(capacity: bytes.count) }
        unsafe buffer?.append(bytes)
        waitingBytes += bytes.count
    }

    private mutating func takeAll() -> Bytes {
        waitingBytes = 0
        return buffer.take()?.finish() ?? Bytes()
    }

    /// What has come, or the end; `waiter` waits when there is neither. Answers how many bytes were read.
    mutating func read(_ waiter: Waiter<Bytes?>) -> Int {
        guard !isAwaited else {
            waiter.resume(.failure(Self.twoReaders))
            return 0
        }
        guard waitingBytes == 0 else {
            let piece = takeAll()
            waiter.resume(.success(piece))
            return piece.count
        }
        if let end { waiter.resume(end.map { nil }) } else { reader = waiter }
        return 0
    }

    /// As ``read(_:)`` for all there is and will be, up to `limitBytes`.
    mutating func collect(_ waiter: Waiter<Bytes>, upTo limitBytes: Int) -> Int {
        let byteCount = waitingBytes
        if isAwaited {
            waiter.resume(.failure(Self.twoReaders))
            return 0
        } else if byteCount > limitBytes {
            drop()
            waiter.resume(.failure(Self.tooLarge(limitBytes)))
        } else if let end {
            let bytes = takeAll()
            waiter.resume(end.map { bytes })
        } else {
            collector = (waiter, limitBytes)
        }
        return byteCount
    }

    /// Nothing further comes. What has come can still be read.
    mutating func finish(_ result: Result<Void, TransportError>) {
        guard end == nil else { return }
        end = result
        if let reader = reader.take() { reader.resume(result.map { nil }) }
        if let collector = collector.take(), collector.waiter.isWaiting {
            let bytes = takeAll()
            collector.waiter.resume(result.map { bytes })
        }
    }

    /// Nobody wants what has come.
    mutating func drop() { _ = takeAll() }

    static func tooLarge(_ limitBytes: Int) -> TransportError {
        TransportError(.resourceExhausted, "the body is over the limit of \(limitBytes) bytes", origin: .library)
    }

    private static var twoReaders: TransportError {
        TransportError(.failedPrecondition, "somebody else is reading the body")
    }
}
