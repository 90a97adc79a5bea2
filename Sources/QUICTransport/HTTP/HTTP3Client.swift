internal import EventLoops
internal import HTTP3Engine
public import NodeTransport
internal import QUICEngine

/// Plain HTTP/3 requests over a connection of ``QUICTransport``, to any HTTP/3 server.
///
/// ```swift
/// let connection = try await transport.connect(to: "quic://node-7.city.example:4433")
/// let answer = try await HTTP3Client(connection)?.get("/poh_ack?id=123")
/// ```
public struct HTTP3Client: Sendable {
    private let connection: QUICClientConnection

    /// - Parameter connection: One that ``QUICTransport`` made; `nil` for any other.
    public init?(_ connection: any Connection) {
        guard let connection = connection as? QUICClientConnection else { return nil }
        self.connection = connection
    }

    public func get(_ path: String, headers: [HTTP3Request.Header] = []) async throws -> HTTP3Response {
        try await send(HTTP3Request(path: path, headers: headers))
    }

    public func post(
        _ path: String, headers: [HTTP3Request.Header] = [], body: Bytes
    ) async throws -> HTTP3Response {
        try await send(HTTP3Request(method: "POST", path: path, headers: headers, body: body))
    }

    /// Sends a request, and answers with the whole response. Cancelling the task cancels the request.
    ///
    /// - Throws: ``/NodeTransport/TransportError``: ``/NodeTransport/StatusCode/unavailable`` when the connection is closed or
    ///   lost, ``/NodeTransport/StatusCode/resourceExhausted`` for a body over
    ///   ``QUICTransport/Configuration/maximumReceiveMessageBytes`` and when the server allows no more requests at once.
    public func send(_ request: HTTP3Request) async throws -> HTTP3Response { try await connection.send(request) }
}

extension QUICClientConnection {
    nonisolated func send(_ request: HTTP3Request) async throws -> HTTP3Response {
        try await waitUntilConfirmed()
        let place = ExchangePlace()
        return try await withTaskCancellationHandler {
            try await suspend { continuation in
                loop.execute { self.onLoop { $0.start(request, continuation, place) } }
            }
        } onCancel: {
            loop.execute { self.onLoop { $0.cancel(place) } }
        }
    }

    private func start(_ request: HTTP3Request, _ continuation: Suspension<HTTP3Response>, _ place: ExchangePlace) {
        func refuse(_ code: StatusCode, _ message: String) {
            continuation.resume(
                throwing: TransportError(code, message, processing: .notProcessed, endpoint: endpoint))
        }
        guard !place.isCancelled else { return refuse(.cancelled, "the task was cancelled") }
        guard case .open = phase, let wire else { return refuse(.unavailable, "the connection is \(phaseName)") }
        guard let stream = try? wire.quic.openStream(isBidirectional: true) else {
            return refuse(.resourceExhausted, "the server allows no more requests at once")
        }
        let fields =
            [
                HeaderPair(name: ":method", value: request.method), HeaderPair(name: ":scheme", value: "https"),
                HeaderPair(name: ":authority", value: endpoint.authority),
                HeaderPair(name: ":path", value: request.path),
            ]
            + request.headers.map { header in
                HeaderPair(
                    name: header.name.lowercased(), value: header.value,
                    isSensitive: header.name == "authorization" || header.name == "cookie")
            }
        do throws(HTTP3SendError) {
            try wire.http3.submitRequest(
                stream: stream.id, prepared: [], extra: fields, isFinal: request.body.isEmpty)
            if !request.body.isEmpty {
                try wire.http3.submitBody(stream: stream.id, payload: request.body, isFinal: true)
            }
        } catch {
            wire.reset(stream.id, .requestCancelled)
            return refuse(.invalidArgument, "the request cannot be sent: \(error)")
        }
        place.stream = stream.id
        exchanges[stream.id] = HTTP3Exchange(
            limitBytes: configuration.maximumReceiveMessageBytes, waiter: continuation)
        wire.sourceHasData()
    }

    private func cancel(_ place: ExchangePlace) {
        place.isCancelled = true
        guard let stream = place.stream else { return }
        endExchange(stream, TransportError(.cancelled, "the request was cancelled", endpoint: endpoint))
    }

    /// Gives a request up.
    func endExchange(_ id: Int64, _ error: TransportError) {
        guard let exchange = exchanges.removeValue(forKey: id) else { return }
        wire?.reset(id, .requestCancelled)
        exchange.fail(error.at(endpoint))
    }

    /// What arrives on a stream that is no call's.
    func take(_ event: HTTP3Event, _ fields: [HeaderField], _ input: UnsafeRawBufferPointer) {
        switch event {
        case .headers(let id, let range, _): exchanges[id]?.take(fields[range])
        case .data(let id, let content):
            wire?.consume(id, content.count)
            guard let exchange = exchanges[id] else { return }
            let fits = unsafe content.withUnsafeBytes(of: input) { unsafe exchange.append($0) }
            if !fits { endExchange(id, exchange.tooLarge) }
        case .end(let id): exchanges.removeValue(forKey: id)?.succeed()
        case .unprocessed(let id):
            endExchange(
                id,
                TransportError(
                    .unavailable, "the server did not process the request", origin: .remote,
                    processing: .notProcessed))
        case .reset(let id, let code), .failed(let id, let code, _):
            endExchange(id, TransportError(.internal, "the request failed (\(code))", origin: .remote))
        case .headersTooLarge(let id):
            endExchange(id, TransportError(.resourceExhausted, "the header list is too large", origin: .library))
        case .closed(let id):
            endExchange(id, TransportError(.internal, "the response is incomplete", origin: .remote))
        default: break
        }
    }
}

/// Where a request came to lie.
///
/// Soundness of `@unchecked Sendable`: it is used on its connection's loop only.
final class ExchangePlace: @unchecked Sendable {
    var stream: Int64?
    var isCancelled = false
}
