internal import NodeTransport

/// What a server says about when to come back, in the trailers of an error (gRFC A6, "Pushback").
enum RetryPushback: Equatable {
    case wait(Duration)
    /// A negative number, or none at all.
    case never

    static let key = "grpc-retry-pushback-ms"

    /// `nil` when it says nothing.
    init?(_ metadata: Metadata) {
        guard let text = metadata[text: Self.key] else { return nil }
        guard let number = Int32(text), number >= 0 else {
            self = .never
            return
        }
        self = .wait(.milliseconds(Int(number)))
    }
}
