internal import HTTP3Engine

/// The header fields of one connection's requests: all but the path are the same.
struct RequestFields {
    private let before: [PreparedField]
    private let after: [PreparedField]

    init(authority: String) {
        before = [PreparedField(name: ":method", value: "POST"), PreparedField(name: ":scheme", value: "https")]
        after = [
            PreparedField(name: ":authority", value: authority), PreparedField(name: "te", value: "trailers"),
            PreparedField(name: "content-type", value: "application/grpc"),
            PreparedField(name: "user-agent", value: "swift-node-transport/0.1"),
        ]
    }

    func fields(path: String) -> [PreparedField] { before + [PreparedField(name: ":path", value: path)] + after }
}
