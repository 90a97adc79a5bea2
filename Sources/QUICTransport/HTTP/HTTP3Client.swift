internal import EventLoops
public import NodeTransport

/// Plain HTTP/3 requests over a connection of ``QUICTransport``, to any HTTP/3 server.
///
/// ```swift
/// let connection = try await transport.connect(to: "quic://node-7.city.example:4433")
/// let answer = try await HTTP3Client(connection)?.get("/poh_ack?id=123")
/// ```
///
/// A body of any length goes through ``request(_:body:deadline:)`` in pieces, each way:
///
/// ```swift
/// let response = try await client.request(HTTP3Request(method: "PUT", path: "/copy"), body: HTTP3Body(pieces))
/// for try await piece in response.body { try file.write(piece) }
/// ```
///
/// A request waits no longer than its deadline, which includes the bodies; without one, and without the deadline of a call
/// that the task serves, as long as the connection lives.
public struct HTTP3Client: Sendable {
    private let connection: QUICClientConnection

    /// - Parameter connection: One that ``QUICTransport`` made; `nil` for any other.
    public init?(_ connection: any Connection) {
        guard let connection = connection as? QUICClientConnection else { return nil }
        self.connection = connection
    }

    public func get(
        _ path: String, headers: [HTTP3Request.Header] = [], deadline: Deadline? = nil
    ) async throws -> HTTP3Response {
        try await send(HTTP3Request(path: path, headers: headers), deadline: deadline)
    }

    public func post(
        _ path: String, headers: [HTTP3Request.Header] = [], body: Bytes, deadline: Deadline? = nil
    ) async throws -> HTTP3Response {
        try await send(HTTP3Request(method: "POST", path: path, headers: headers, body: body), deadline: deadline)
    }

    /// Sends a request, and answers with the whole response. Cancelling the task cancels the request.
    ///
    /// - Throws: as ``request(_:body:deadline:)``, and ``/NodeTransport/StatusCode/resourceExhausted`` for a body over
    ///   ``QUICTransport/Configuration/maximumReceiveMessageBytes``.
    public func send(_ request: HTTP3Request, deadline: Deadline? = nil) async throws -> HTTP3Response {
        let response = try await self.request(request, deadline: deadline)
        let body = try await response.body.collect(upTo: connection.configuration.maximumReceiveMessageBytes)
        return HTTP3Response(status: response.status, headers: response.headers, body: body)
    }

    /// Sends a request, and answers as soon as the response's head is there; the rest of both bodies may still be under way.
    ///
    /// Cancelling the task, or letting go of the response's body before its end, resets the stream. A server may answer
    /// and want no more of the request's body: then what writes it is cancelled, and the response is as good as any.
    ///
    /// - Parameters:
    ///   - request: An HTTP method but CONNECT, and a path with its query.
    ///   - body: Sent instead of the request's own.
    ///   - deadline: For all of it, to the end of both bodies.
    /// - Throws: ``/NodeTransport/TransportError``: ``/NodeTransport/StatusCode/unavailable`` when the connection is closed or
    ///   lost, ``/NodeTransport/StatusCode/resourceExhausted`` when the server allows no more requests at once,
    ///   ``/NodeTransport/StatusCode/invalidArgument`` for what HTTP/3 does not allow,
    ///   ``/NodeTransport/StatusCode/deadlineExceeded``, and ``/NodeTransport/StatusCode/cancelled``, whose cause is what the
    ///   body has thrown, if it has.
    public func request(
        _ request: HTTP3Request, body: HTTP3Body? = nil, deadline: Deadline? = nil
    ) async throws -> HTTP3ReceivedResponse {
        try await connection.send(request, body ?? HTTP3Body(request.body), Deadline.effective(deadline))
    }
}
