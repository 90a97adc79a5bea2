extension Connection {
    /// Makes a unary call.
    ///
    /// - Parameters:
    ///   - method: What to call.
    ///   - request: The message.
    ///   - metadata: What to send along.
    ///   - deadline: By when to give up; the deadline of the handler this runs in, if any, bounds it.
    /// - Throws: ``TransportError`` with the call's status; ``StatusCode/deadlineExceeded`` without sending anything
    ///   when the deadline has passed; ``StatusCode/cancelled`` when the task is cancelled.
    public func call<Request, Response>(
        _ method: Method<Unary, Request, Response>, _ request: Request, metadata: Metadata = Metadata(),
        deadline: Deadline? = nil
    ) async throws -> Response {
        let head = try head(method, metadata, deadline)
        let reply = try await unary(head, try encoded(method.requestCodec.encode, request))
        return try decoded(method.responseCodec.decode, reply.message)
    }

    /// Makes a unary call and returns the metadata around the response too.
    public func callWithMetadata<Request, Response>(
        _ method: Method<Unary, Request, Response>, _ request: Request, metadata: Metadata = Metadata(),
        deadline: Deadline? = nil
    ) async throws -> Reply<Response> {
        let head = try head(method, metadata, deadline)
        let reply = try await unary(head, try encoded(method.requestCodec.encode, request))
        return Reply(
            message: try decoded(method.responseCodec.decode, reply.message),
            initialMetadata: reply.initialMetadata, trailers: reply.trailers)
    }

    /// Makes a call that the server answers with a stream of messages.
    public func call<Request, Response>(
        _ method: Method<ServerStream, Request, Response>, _ request: Request, metadata: Metadata = Metadata(),
        deadline: Deadline? = nil
    ) async throws -> ResponseStream<Response> {
        let head = try head(method, metadata, deadline)
        let message = try encoded(method.requestCodec.encode, request)
        let call = try await open(head)
        do {
            try await call.send(message)
            try await call.finishSending()
        } catch let error as TransportError where error.isAnswer {
            // The server has answered without reading; what it said is read from the stream.
        }
        return ResponseStream(call: call, codec: method.responseCodec)
    }

    /// Begins a call in which the client sends a stream of messages.
    public func call<Request, Response>(
        _ method: Method<ClientStream, Request, Response>, metadata: Metadata = Metadata(), deadline: Deadline? = nil
    ) async throws -> ClientStreamingCall<Request, Response> {
        let call = try await open(try head(method, metadata, deadline))
        return ClientStreamingCall(
            requests: RequestWriter(call: call, codec: method.requestCodec),
            responses: ResponseStream(call: call, codec: method.responseCodec))
    }

    /// Sends `requests`, one after the other as the server takes them, and returns the response.
    public func call<Request, Response, Requests: AsyncSequence>(
        _ method: Method<ClientStream, Request, Response>, _ requests: Requests, metadata: Metadata = Metadata(),
        deadline: Deadline? = nil
    ) async throws -> Response where Requests.Element == Request {
        let call = try await call(method, metadata: metadata, deadline: deadline)
        do {
            for try await request in requests {
                guard try await call.requests.isTaken(request) else { break }
            }
        } catch {
            // An error of `requests` must not look like their end.
            call.cancel()
            throw error
        }
        return try await call.response()
    }

    /// Begins a call in which both sides send streams of messages.
    public func call<Request, Response>(
        _ method: Method<Bidirectional, Request, Response>, metadata: Metadata = Metadata(), deadline: Deadline? = nil
    ) async throws -> BidirectionalCall<Request, Response> {
        let call = try await open(try head(method, metadata, deadline))
        return BidirectionalCall(
            requests: RequestWriter(call: call, codec: method.requestCodec),
            responses: ResponseStream(call: call, codec: method.responseCodec))
    }

    private func head<Shape, Request, Response>(
        _ method: Method<Shape, Request, Response>, _ metadata: Metadata, _ deadline: Deadline?
    ) throws(TransportError) -> CallHead {
        let deadline = Deadline.effective(deadline)
        if Task.isCancelled {
            throw TransportError(
                .cancelled, "the task was cancelled before \(method.name) began", processing: .notProcessed,
                endpoint: endpoint)
        }
        return CallHead(
            method: method.name, shape: Shape.kind, metadata: metadata, deadline: deadline,
            isIdempotent: method.isIdempotent)
    }
}

extension TransportError {
    /// Whether sending failed because the server has ended the call already: its answer is to be read then.
    var isAnswer: Bool { origin == .remote || code == .failedPrecondition }
}
