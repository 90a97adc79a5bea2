internal import StreamTables

/// The open request streams, and objects for those to come.
struct StreamTable: ~Copyable {
    /// How many objects are kept for streams to come.
    private static let keptObjects = 64

    private let streams = StreamMap<RequestStream>()
    /// Objects of closed streams.
    private var spare: [RequestStream] = []

    init() {}

    var count: Int { streams.count }

    /// The open stream `id`, or nil.
    func stream(_ id: Int64) -> RequestStream? { streams[id] }

    /// Opens a stream that is not open.
    mutating func open(_ id: Int64) -> RequestStream {
        let stream = spare.popLast() ?? RequestStream()
        stream.id = id
        streams.insert(stream, for: id)
        return stream
    }

    /// Closes an open stream.
    mutating func close(_ stream: RequestStream) {
        streams.remove(stream.id)
        stream.reset()
        if spare.count < Self.keptObjects { spare.append(stream) }
    }

    /// The open streams, in the order of their identifiers.
    var all: [RequestStream] { streams.all }
}
