/// How many messages go each way; the compiler tells the four shapes apart.
public protocol RPCShape: Sendable {
    /// The shape as a value.
    static var kind: RPCShapeKind { get }
}

/// The four RPC shapes as values.
public enum RPCShapeKind: String, Sendable, Hashable, CaseIterable {
    case unary, clientStream, serverStream, bidirectional

    /// Whether the client sends exactly one message.
    public var hasSingleRequest: Bool { self == .unary || self == .serverStream }

    /// Whether the server sends exactly one message.
    public var hasSingleResponse: Bool { self == .unary || self == .clientStream }
}

/// One request, one response.
public enum Unary: RPCShape {
    public static var kind: RPCShapeKind { .unary }
}

/// Many requests, one response.
public enum ClientStream: RPCShape {
    public static var kind: RPCShapeKind { .clientStream }
}

/// One request, many responses.
public enum ServerStream: RPCShape {
    public static var kind: RPCShapeKind { .serverStream }
}

/// Many requests, many responses, in any order.
public enum Bidirectional: RPCShape {
    public static var kind: RPCShapeKind { .bidirectional }
}
