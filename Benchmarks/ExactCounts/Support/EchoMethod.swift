internal import NodeTransport

/// What the whole calls call.
enum EchoMethod {
    static let unary = Method<Unary, Bytes, Bytes>(
        "echo.Echo", "Unary", request: .bytes, response: .bytes, isIdempotent: true)
    static let message = Bytes([UInt8](repeating: 0x5a, count: 64))

    struct Service: NodeTransport.Service {
        var handlers: [MethodHandler] { [EchoMethod.unary.handle { request, _ in request }] }
    }

    /// Calls one after the other.
    nonisolated(nonsending) static func call(_ connection: any Connection, _ count: Int) async throws {
        for _ in 0..<count {
            let answer = try await connection.call(unary, message)
            guard answer.count == message.count else { throw Unexpected("\(answer.count) bytes came back") }
        }
    }
}
