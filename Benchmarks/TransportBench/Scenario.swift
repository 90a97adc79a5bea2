internal import ArgumentParser

/// What is measured.
enum Scenario: String, ExpressibleByArgument, CaseIterable {
    /// One message each way.
    case unary
    /// Many messages to the server and one back; the whole stream is one call.
    case clientStream = "client-stream"
    /// One message to the server and many back; the whole stream is one call.
    case serverStream = "server-stream"
    /// Messages back and forth on one stream; each is a call.
    case pingPong = "ping-pong"
    /// A new connection, one message each way, and its end.
    case handshake
    /// The same with a resumed session.
    case resume
    /// Messages to the server on one stream, as many as it takes; each is a call.
    case bulk
    /// A datagram each way.
    case datagram
    /// One message to the peers behind all connections at once, and all their answers; all together are one call.
    case broadcast
    /// An HTTP/3 request without gRPC for content of a size.
    case get

    /// The size of a message where none is asked for, in bytes.
    var defaultSize: Int { self == .bulk ? 65_536 : 64 }

    var connectsEachTime: Bool { self == .handshake || self == .resume }
}
