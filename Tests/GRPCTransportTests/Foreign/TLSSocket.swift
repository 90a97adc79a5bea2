import ForeignPeers
import NodeTransport
import TransportTLS

/// Our TLS session over a blocking socket, for talks that are not HTTP/2. Its calls are made in ``blocking(_:)``.
final class TLSSocket {
    let session: TLSSession
    private let socket: RawSocket

    /// Completes the handshake of a client.
    convenience init(client configuration: TLSConfiguration, to port: Int, maximumVersion: TLSVersion = .tls13) throws {
        try self.init(TLSContext(configuration, role: .client, maximumVersion: maximumVersion), to: port)
    }

    /// The same with a context that may have tickets of the server.
    init(_ context: TLSContext, to port: Int) throws {
        session = try TLSSession(context: context, host: "127.0.0.1", server: "127.0.0.1:\(port)", now: .now)
        socket = try RawSocket(to: Endpoint(parsing: "grpc://127.0.0.1:\(port)"))
        while try step({ try $0.advanceHandshake() }) == .inProgress { try receive() }
    }

    func send(_ text: String) throws {
        try step { session in
            var text = text
            try text.withUTF8 { try session.write(UnsafeRawBufferPointer($0)) }
        }
    }

    /// What the peer sends up to the end of its line.
    func line() throws -> String {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        while line.last != UInt8(ascii: "\n") {
            switch try step({ session in try buffer.withUnsafeMutableBytes { try session.read(into: $0) } }) {
            case .bytes(let count): line += buffer[..<count]
            case .wouldBlock: try receive()
            case .closed: throw RawSocket.Failure(description: "the peer has closed")
            }
        }
        return String(decoding: line, as: UTF8.self)
    }

    private func receive() throws {
        guard let bytes = try socket.receive() else { throw RawSocket.Failure(description: "the peer has closed") }
        try bytes.withUnsafeBytes { try session.receive($0) }
    }

    /// Does something and sends what comes of it, also when that is an alert.
    private func step<Value>(_ body: (TLSSession) throws -> Value) throws -> Value {
        let outcome = Result { try body(session) }
        session.withOutput { output in
            socket.send(Array(output))
            return output.count
        }
        return try outcome.get()
    }
}
