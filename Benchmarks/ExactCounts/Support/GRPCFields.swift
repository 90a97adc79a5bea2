/// The fields of a unary call as gRPC's clients send them.
enum GRPCFields {
    static let request: [(name: String, value: String)] = [
        (":method", "POST"), (":scheme", "http"), (":path", "/echo.Echo/Unary"),
        (":authority", "node-7.city.example:4433"),
        ("te", "trailers"), ("content-type", "application/grpc"), ("user-agent", "swift-node-transport/0.1"),
    ]
    /// What belongs to one call, and is a literal each time.
    static let ofCall: [(name: String, value: String)] = [
        ("grpc-timeout", "1999742u"), ("x-request-id", "6f1c2a9e-31d5-4f02-9d6a-7c1be8a0f355"),
    ]
    static let response: [(name: String, value: String)] = [(":status", "200"), ("content-type", "application/grpc")]
    static let trailers: [(name: String, value: String)] = [("grpc-status", "0")]
}
