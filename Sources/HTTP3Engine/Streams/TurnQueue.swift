/// The streams that have something to send, each once, in the order of their turns.
struct TurnQueue: ~Copyable {
    private var streams: [RequestStream] = []
    private var head = 0

    init() {}

    /// The stream whose turn it is. Streams that have nothing to send any more leave.
    mutating func first() -> RequestStream? {
        while head < streams.count {
            let stream = streams[head]
            if stream.wantsTurn { return stream }
            pop()
        }
        return nil
    }

    mutating func append(_ stream: RequestStream) {
        guard !stream.isQueued else { return }
        stream.isQueued = true
        stream.turnBytes = 0
        streams.append(stream)
    }

    /// Ends the first stream's turn; it comes again when it has more to send.
    mutating func rotate() {
        guard head < streams.count else { return }
        let stream = streams[head]
        pop()
        if stream.wantsTurn { append(stream) }
    }

    private mutating func pop() {
        streams[head].isQueued = false
        head += 1
        if head == streams.count {
            streams.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 64, head * 2 >= streams.count {
            streams.removeFirst(head)
            head = 0
        }
    }
}
