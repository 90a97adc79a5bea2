internal import CSystem
internal import EventLoops
internal import Glibc
internal import HTTP2Engine
internal import NodeTransport
internal import TransportTLS

/// A connected socket with TLS, if any, and the HTTP/2 engine on top: moves bytes between the three.
///
/// Owned by a connection's actor.
///
/// Soundness of `@unchecked Sendable`: it is used on its loop only.
final class HTTP2Wire: @unchecked Sendable {
    /// What a read led to.
    enum ReadOutcome {
        /// Nothing more for now.
        case drained
        /// There may be more; other connections get their turn first.
        case more
        /// The peer has closed.
        case endOfFile
    }

    /// Takes a batch of events together with the input that their data refers to.
    typealias Process = (inout HTTP2Events, UnsafeRawBufferPointer) -> Void

    /// Lends room for content of a stream where its message is put together; not every stream has any.
    typealias Lend = (StreamHandle, Int, (UnsafeMutableRawBufferPointer) -> Int) -> Void

    /// Content of less than this is copied to its message; more is read there. It is more than a frame of the usual 16 KiB,
    /// of which a read in one piece takes many.
    private static let minimumContentBytes = 20 * 1024
    /// How much is read behind content that goes straight to its message: the next frame's header, and small frames.
    private static let bytesBehindContent = 4 * 1024
    /// How often one turn reads or writes before other connections get theirs.
    private static let roundsPerTurn = 4
    /// How much is encrypted before it is written; a session keeps a buffer of 64 KiB, and this and one frame fit it.
    private static let maximumCiphertextBytes = 40 * 1024
    /// How much output may wait before a server stops reading.
    private static let maximumUnreadOutputBytes = 1024 * 1024

    let loop: EventLoop
    let descriptor: Int32
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) var engine: HTTP2Engine
    private(set) var tls: TLSSession?
    private(set) var isHandshaking: Bool
    private(set) var isClosed = false
    /// When bytes last arrived, in nanoseconds of the loop's clock.
    private(set) var lastReceive: Int64 = 0

    private var registration: LoopRegistration?
    /// Flushes the wire when the jobs of a turn have run; gone once the wire is closed.
    private var flusher: (any LoopFlushable)?
    private var isFlushScheduled = false
    /// The peer sends nothing more.
    private var hasEnded = false
    private var isWriteBlocked = false
    /// Writing has failed: nothing goes out any more, and what has arrived may still be read.
    private(set) var isBroken = false
    /// The last read took content straight to its message: likely there is more of it, behind a header.
    private var isReadingContent = false
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) private var events = HTTP2Events()
    /// Empty; what collects events while a batch of them is processed.
    // Unchecked: on the loop only, and no access comes back here (docs/architecture.md, "Exclusive access").
    @safe @exclusivity(unchecked) private var spareEvents = HTTP2Events()

    init(loop: EventLoop, descriptor: Int32, engine: consuming HTTP2Engine, tls: TLSSession?) {
        self.loop = loop
        self.descriptor = descriptor
        self.engine = engine
        self.tls = tls
        isHandshaking = tls != nil
    }

    func register(_ handler: any LoopEventHandler & LoopFlushable) throws(LoopError) {
        lastReceive = loop.now
        flusher = handler
        registration = try loop.add(descriptor: descriptor, events: .input, handler: handler)
    }

    /// Closes the socket; what could not be written is lost. What was written last still arrives, unless the peer has
    /// closed already or the connection is to end `abruptly`.
    func close(abruptly: Bool = false) {
        guard !isClosed else { return }
        isClosed = true
        flusher = nil
        if let registration { loop.remove(registration, descriptor: descriptor) }
        if abruptly || hasEnded || registration == nil {
            cs_close(descriptor)
        } else {
            LingeringClose.begin(descriptor, on: loop)
        }
        tls = nil
    }

    // MARK: Reading

    /// Reads what has arrived and gives each batch of events to `process`.
    func read(_ process: Process, _ lend: Lend) throws(TransportError) -> ReadOutcome {
        for _ in 0..<Self.roundsPerTurn {
            guard !isClosed else { return .drained }
            let read = unsafe tls == nil ? readContent(lend) ?? readAnything() : readAnything()
            if read.result == 0 {
                hasEnded = true
                return .endOfFile
            }
            if read.result < 0 {
                if -read.result == Int(EAGAIN) || -read.result == Int(EINTR) { return .drained }
                throw lost("reading failed: \(systemMessage(Int32(-read.result)))")
            }
            lastReceive = loop.now
            let content = min(read.result, read.contentRoom)
            if content > 0 { engine.receiveContent(byteCount: content, now: loop.now, into: &events) }
            let chunk = unsafe UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<(read.result - content)])
            if tls == nil {
                unsafe receive(chunk, process)
            } else {
                guard try unsafe receiveCiphertext(chunk, process, lend) else { return .endOfFile }
            }
            if read.result < read.room { return .drained }
        }
        return .more
    }

    /// A system call's result, and what it had room for: in a message first, then in the loop's buffer.
    private struct Read {
        var result: Int
        var contentRoom: Int
        var room: Int
    }

    /// Reads the rest of a large frame straight to where its message is put together; nil when there is none.
    private func readContent(_ lend: Lend) -> Read? {
        guard let next = largeContentToCome else { return nil }
        var read: Read?
        unsafe lend(next.stream, next.byteCount) { place in
            guard place.count >= Self.minimumContentBytes else { return 0 }
            let behind = unsafe UnsafeMutableRawBufferPointer(rebasing: loop.readBuffer[..<Self.bytesBehindContent])
            let result = unsafe cs_read_both(
                descriptor, place.baseAddress, place.count, behind.baseAddress, behind.count)
            read = Read(result: result, contentRoom: place.count, room: place.count + behind.count)
            return min(max(result, 0), place.count)
        }
        if read != nil { isReadingContent = true }
        return read
    }

    /// What is left of a frame, where that is enough to be read straight to its message.
    private var largeContentToCome: (stream: StreamHandle, byteCount: Int)? {
        guard let next = engine.contentToCome, next.byteCount >= Self.minimumContentBytes else { return nil }
        return next
    }

    private func readAnything() -> Read {
        let room = unsafe isReadingContent ? Self.bytesBehindContent : loop.readBuffer.count
        isReadingContent = false
        let result = unsafe cs_read(descriptor, loop.readBuffer.baseAddress, room)
        return Read(result: result, contentRoom: 0, room: room)
    }

    private func receive(_ bytes: UnsafeRawBufferPointer, _ process: Process) {
        unsafe engine.receive(bytes, now: loop.now, into: &events)
        unsafe deliver(bytes, process)
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer, _ process: Process) {
        guard !events.list.isEmpty else { return }
        var batch = HTTP2Events()
        swap(&batch, &spareEvents)
        swap(&batch, &events)
        unsafe process(&batch, bytes)
        batch.removeAll()
        swap(&batch, &spareEvents)
    }

    /// False when the peer has ended its direction of the TLS session.
    private func receiveCiphertext(
        _ bytes: UnsafeRawBufferPointer, _ process: Process, _ lend: Lend
    ) throws(TransportError) -> Bool {
        guard let tls else { return true }
        do {
            return try unsafe tls.receive(bytes) { () throws(TLSError) in
                if isHandshaking { try advanceHandshake() }
                while !isHandshaking, !isClosed {
                    if try unsafe decryptContent(tls, lend) {
                        unsafe deliver(UnsafeRawBufferPointer(start: nil, count: 0), process)
                        continue
                    }
                    let room = unsafe loop.plaintextBuffer
                    switch try unsafe tls.read(into: room) {
                    case .bytes(let count): unsafe receive(UnsafeRawBufferPointer(rebasing: room[..<count]), process)
                    case .wouldBlock: return true
                    case .closed: return false
                    }
                }
                return true
            }
        } catch {
            // The alert that tells the peer stands in the output; try once to get it out.
            try? writeCiphertext()
            throw handshakeOrRecordError(error)
        }
    }

    /// Decrypts content of a large frame straight to where its message is put together; false when there is none.
    private func decryptContent(_ tls: TLSSession, _ lend: Lend) throws(TLSError) -> Bool {
        guard let next = largeContentToCome else { return false }
        var outcome = Result<Int, TLSError>.success(0)
        unsafe lend(next.stream, next.byteCount) { place in
            guard place.count >= Self.minimumContentBytes else { return 0 }
            do throws(TLSError) {
                // Where there is nothing, the read into the loop's buffer says why.
                guard case .bytes(let count) = try unsafe tls.read(into: place) else { return 0 }
                outcome = .success(count)
                return count
            } catch {
                outcome = .failure(error)
                return 0
            }
        }
        let count = try outcome.get()
        engine.receiveContent(byteCount: count, now: loop.now, into: &events)
        return count > 0
    }

    /// Begins the TLS handshake, or HTTP/2 where there is no TLS.
    func start() throws(TransportError) {
        guard isHandshaking else { return engine.start() }
        do {
            try advanceHandshake()
        } catch {
            throw handshakeOrRecordError(error)
        }
    }

    private func advanceHandshake() throws(TLSError) {
        guard let tls, isHandshaking, case .complete = try tls.advanceHandshake() else { return }
        isHandshaking = false
        // The connection preface goes out before anything that the peer's first bytes lead to.
        engine.start()
    }

    /// Whether the peer has accepted this side. With TLS 1.3 a client's own handshake is complete before the server has
    /// looked at its certificate; the first word of HTTP/2 is the sign.
    private var isEstablished: Bool { !isHandshaking && engine.hasReceivedSettings }

    private func handshakeOrRecordError(_ error: TLSError) -> TransportError {
        TransportError(
            !isEstablished && error.isRefusedIdentity ? .unauthenticated : .unavailable,
            isEstablished ? "TLS failed" : "the TLS handshake failed", cause: error, origin: .library,
            processing: isEstablished ? .unknown : .notProcessed)
    }

    private func lost(_ reason: String) -> TransportError {
        TransportError(
            .unavailable, reason, origin: .library, processing: isEstablished ? .unknown : .notProcessed)
    }

    // MARK: Writing

    /// Has the owner flush the wire at the end of the turn.
    func scheduleFlush() {
        guard !isFlushScheduled, let flusher else { return }
        isFlushScheduled = true
        loop.scheduleFlush(flusher)
    }

    /// Whether bytes wait that the socket did not take.
    var hasOutput: Bool { engine.hasOutput || (tls?.outputBytes ?? 0) > 0 }

    /// Frames what is queued and writes it, as far as the socket takes it. Answers true when it should be called
    /// again in another turn.
    func flush(_ process: Process) throws(TransportError) -> Bool {
        isFlushScheduled = false
        guard !isClosed else { return false }
        for _ in 0..<Self.roundsPerTurn {
            if !isHandshaking { engine.fill(into: &events) }
            try write()
            unsafe deliver(UnsafeRawBufferPointer(start: nil, count: 0), process)
            guard !isClosed, !isWriteBlocked, engine.hasSendableData || engine.hasOutput else {
                updateInterest()
                return false
            }
        }
        return true
    }

    /// Writes what a long batch of events has led to so far, so that a client need not wait for the end of it.
    ///
    /// For servers: the engine may free slots of streams whose `closed` event the batch still holds, and nothing but the
    /// next input, which comes behind the batch, gives a server's slots out again.
    func flushEarly() {
        guard !isClosed, !isHandshaking, !isWriteBlocked else { return }
        engine.fill(into: &events)
        // Should it fail, the flush at the end of the turn fails too, and says so.
        try? write()
    }

    /// Tells the peer at TLS's level that nothing follows (close_notify) and writes what can be written.
    func writeLast() {
        guard !isClosed else { return }
        try? write()
        if !isHandshaking { tls?.close() }
        try? writeCiphertext()
    }

    private func write() throws(TransportError) {
        guard let tls else { return try writePlain() }
        try writeCiphertext()
        while !isHandshaking, engine.hasOutput, !isWriteBlocked {
            try encrypt(tls)
            try writeCiphertext()
        }
    }

    /// Encrypts some of the engine's output: no more than the session keeps room for.
    private func encrypt(_ tls: TLSSession) throws(TransportError) {
        var failure: TLSError?
        unsafe engine.withOutput { segments in
            var taken = 0
            for index in 0..<segments.count where failure == nil && tls.outputBytes < Self.maximumCiphertextBytes {
                let segment = unsafe segments[index]
                do throws(TLSError) {
                    try unsafe tls.write(UnsafeRawBufferPointer(start: segment.pointer, count: segment.count))
                    unsafe taken += segment.count
                } catch {
                    failure = error
                }
            }
            return taken
        }
        if let failure { throw handshakeOrRecordError(failure) }
    }

    private func writePlain() throws(TransportError) {
        isWriteBlocked = false
        var code = 0
        while engine.hasOutput, !isWriteBlocked, code >= 0 {
            unsafe engine.withOutput { segments in
                // An OutputSegment has the layout of an iovec; the engine does not know the C type.
                let count = segments.count
                var vectors = unsafe InlineVectors()
                for index in 0..<count {
                    let segment = unsafe segments[index]
                    unsafe vectors.set(index, segment.pointer, segment.count)
                }
                code = unsafe vectors.write(descriptor, count)
                return unsafe note(written: &code, of: segments.reduce(0) { unsafe $0 + $1.count })
            }
        }
        if code < 0 {
            isBroken = true
            throw lost("writing failed: \(systemMessage(Int32(-code)))")
        }
    }

    private func writeCiphertext() throws(TransportError) {
        isWriteBlocked = false
        var code = 0
        while let tls, tls.outputBytes > 0, !isWriteBlocked, code >= 0 {
            unsafe tls.withOutput { bytes in
                var vectors = unsafe InlineVectors()
                unsafe vectors.set(0, bytes.baseAddress, bytes.count)
                code = unsafe vectors.write(descriptor, 1)
                return note(written: &code, of: bytes.count)
            }
        }
        if code < 0 {
            isBroken = true
            throw lost("writing failed: \(systemMessage(Int32(-code)))")
        }
    }

    /// Notes how a write went; answers how many bytes are done. Blocked is not an error.
    private func note(written code: inout Int, of count: Int) -> Int {
        if code == -Int(EAGAIN) || code == -Int(EINTR) {
            isWriteBlocked = true
            code = 0
            return 0
        }
        if code >= 0, code < count { isWriteBlocked = true }
        return max(code, 0)
    }

    private var interest = LoopEvents.input

    /// Watches for what the socket is waited for.
    ///
    /// A server stops reading while much output waits: a client that asks and does not read would otherwise fill the
    /// memory with answers, which flow control covers only in part. A client goes on reading, so that the two cannot
    /// wait for each other.
    private func updateInterest() {
        guard let registration, !isClosed else { return }
        let mayRead = engine.role == .client || engine.outputBytes < Self.maximumUnreadOutputBytes
        let wanted = LoopEvents(
            rawValue: (isWriteBlocked ? LoopEvents.writable.rawValue : 0) | (mayRead ? LoopEvents.input.rawValue : 0))
        guard wanted.rawValue != interest.rawValue else { return }
        interest = wanted
        loop.modify(registration, descriptor: descriptor, events: wanted)
    }
}
