/// What a call begins with: everything but its messages.
public struct CallHead: Sendable {
    public var method: MethodName
    public var metadata: Metadata
    /// By when the call must have ended; transports enforce it and carry it to the peer.
    public var deadline: Deadline?
    /// Whether running the call twice does what running it once does.
    public var isIdempotent: Bool
    /// The call's shape; one message on a single-message side may be sent without waiting.
    public var shape: RPCShapeKind

    /// Which peer it should go to, for layers that have a choice.
    public var routing: CallRouting {
        get { routingBox?.routing ?? .default }
        set { routingBox = newValue == .default ? nil : RoutingBox(newValue) }
    }

    /// As in ``routing``; quick to read where there is none.
    package var attempt: CallAttempt? {
        get { routingBox?.routing.attempt }
        set { routing.attempt = newValue }
    }

    /// Most calls have no wishes, and pay one word for that.
    private var routingBox: RoutingBox?

    private final class RoutingBox: Sendable {
        let routing: CallRouting

        init(_ routing: CallRouting) { self.routing = routing }
    }

    public init(
        method: MethodName, shape: RPCShapeKind, metadata: Metadata = Metadata(), deadline: Deadline? = nil,
        isIdempotent: Bool = false
    ) {
        self.method = method
        self.shape = shape
        self.metadata = metadata
        self.deadline = deadline
        self.isIdempotent = isIdempotent
    }
}

/// What a unary call ends with.
public struct UnaryReply: Sendable {
    public var message: Bytes
    /// What the server sent before its message.
    public var initialMetadata: Metadata
    /// What the server sent with the status.
    public var trailers: Metadata

    public init(message: Bytes, initialMetadata: Metadata = Metadata(), trailers: Metadata = Metadata()) {
        self.message = message
        self.initialMetadata = initialMetadata
        self.trailers = trailers
    }
}

/// A decoded message with the metadata around it.
public struct Reply<Message: Sendable>: Sendable {
    public let message: Message
    /// What the server sent before its message.
    public let initialMetadata: Metadata
    /// What the server sent with the status.
    public let trailers: Metadata
}
