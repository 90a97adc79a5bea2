/// A connection to one peer, over which calls are made.
///
/// A transport implements ``unary(_:_:)`` only if it can do better than a stream; callers use the typed
/// methods, for example `call(_:_:)`.
public protocol Connection: Sendable {
    /// The peer as it was asked for.
    var endpoint: Endpoint { get }

    /// Who the peer has proved to be; `nil` without TLS.
    var peer: PeerIdentity? { get }

    /// How the connection is doing now.
    var state: ConnectionState { get }

    /// The state now and each change; ends after ``ConnectionState/closed(_:)``. A reader that is slow sees
    /// the latest states only.
    func stateUpdates() -> AsyncStream<ConnectionState>

    /// The executor on which calls over this connection cost no thread switch, where there is one: run
    /// call-heavy work with `withTaskExecutorPreference(connection.executor)`.
    var executor: (any TaskExecutor)? { get }

    /// Begins a call.
    ///
    /// - Throws: ``TransportError``; ``StatusCode/unavailable`` and
    ///   ``TransportError/Processing/notProcessed`` when the connection is draining or closed;
    ///   ``StatusCode/deadlineExceeded`` without sending anything when the deadline has passed.
    func open(_ head: CallHead) async throws -> any ClientCall

    /// One request, one response.
    ///
    /// - Throws: ``TransportError`` with the call's status, and as ``open(_:)``; ``StatusCode/internal`` when the
    ///   server sends no response or more than one.
    func unary(_ head: CallHead, _ request: Bytes) async throws -> UnaryReply

    /// The largest datagram that ``sendDatagram(_:)`` takes, in bytes; `nil` where there are none.
    var maximumDatagramBytes: Int? { get }

    /// Sends bytes once, with no promise that they arrive (RFC 9221 on QUIC).
    ///
    /// - Throws: ``TransportError`` with ``StatusCode/unimplemented`` where the transport has no datagrams,
    ///   ``StatusCode/invalidArgument`` for more than ``maximumDatagramBytes``.
    func sendDatagram(_ datagram: Bytes) async throws

    /// The next datagram from the peer.
    ///
    /// - Throws: ``TransportError`` with ``StatusCode/unimplemented`` where the transport has no datagrams.
    func receiveDatagram() async throws -> Bytes

    /// Refuses new calls, lets those in flight finish for at most `grace`, then closes.
    func close(within grace: Duration) async
}

extension Connection {
    public var executor: (any TaskExecutor)? { nil }

    public var maximumDatagramBytes: Int? { nil }

    public func sendDatagram(_ datagram: Bytes) async throws {
        throw TransportError(.unimplemented, "this transport has no datagrams", endpoint: endpoint)
    }

    public func receiveDatagram() async throws -> Bytes {
        throw TransportError(.unimplemented, "this transport has no datagrams", endpoint: endpoint)
    }

    /// A unary call made of ``open(_:)`` and one message each way.
    public func unary(_ head: CallHead, _ request: Bytes) async throws -> UnaryReply {
        let call = try await open(head)
        do {
            try await call.send(request)
            try await call.finishSending()
        } catch let error as TransportError where error.isAnswer {
            // The server has answered without reading; what it said is read below.
        }
        guard let message = try await call.receive() else {
            throw TransportError(
                .internal, "the server ended the call without a response", origin: .remote, endpoint: endpoint)
        }
        guard try await call.receive() == nil else {
            call.cancel()
            throw TransportError(.internal, "the server sent a second response", origin: .remote, endpoint: endpoint)
        }
        return UnaryReply(
            message: message, initialMetadata: try await call.initialMetadata(), trailers: call.trailers)
    }
}
