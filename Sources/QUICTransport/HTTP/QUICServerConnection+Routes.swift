internal import EventLoops
internal import GRPCCalls
internal import HTTP3Engine
internal import NodeTransport
internal import StreamTables

// Plain HTTP/3 requests.

extension QUICServerConnection: HTTP3ExchangeOwner {
    nonisolated func exchangeEnded(_ id: Int64) {
        onLoop { connection in
            connection.exchanges.remove(id)
            connection.closeIfDrained()
        }
    }

    /// Begins a request that is not gRPC; false when nothing but gRPC is served.
    func beginExchange(_ id: Int64, _ fields: ArraySlice<HeaderField>) -> Bool {
        guard !owner.routes.isEmpty else { return false }
        let head = ReceivedHead(fields)
        var request = HTTP3Request(method: head.method, path: head.path, headers: head.headers)
        request.peer = port.peer
        guard let route = owner.routes.route(request.route) else {
            port.refuse(id, httpStatus: "404", "nothing is served at \(request.route)")
            return true
        }
        // A handler whose client has given up may take its time; the streams alone do not bound how many there are.
        guard runningRoutes < configuration.maximumConcurrentStreams else {
            port.refuse(id, httpStatus: "503", "too many requests are under way")
            return true
        }
        let exchange = HTTP3Exchange(
            loop: loop, endpoint: remoteEndpoint, isServer: true,
            sendQueueBytes: configuration.callLimits.sendQueueBytes,
            patience: configuration.stalledBodyTimeout)
        exchange.opened(id, wire, self)
        if head.awaitsContinue { exchange.setAwaitsContinue() }
        exchanges.insert(exchange, for: id)
        runningRoutes += 1
        // Ends with its handler and the body that it answers; a client that gives the request up cancels it.
        let task = Task.immediate(executorPreference: loop.taskExecutor) {
            await self.serve(exchange, request, route, length: head.contentLength)
            self.loop.execute { self.onLoop { $0.runningRoutes -= 1 } }
        }
        exchange.adopt(task)
        return true
    }

    private nonisolated func serve(
        _ exchange: HTTP3Exchange, _ request: HTTP3Request, _ route: HTTP3Routes.Route, length: Int?
    ) async {
        let response: HTTP3StreamedResponse
        do {
            let body = HTTP3BodyReader(exchange, length: length)
            switch route {
            case .streamed(let handler): response = try await handler(request, body)
            case .whole(let handler):
                var request = request
                request.body = try await body.collect(upTo: configuration.maximumReceiveMessageBytes)
                response = HTTP3StreamedResponse(try await handler(request))
            }
        } catch {
            return loop.execute { self.onLoop { $0.refuse(exchange) } }
        }
        // A connection's methods run on its loop, so that the head goes out before the first piece of the body.
        guard let body = await begin(response, of: exchange, isHead: request.method == "HEAD") else { return }
        await exchange.write(body)
    }

    /// The handler has failed, or the request's body has.
    private func refuse(_ exchange: HTTP3Exchange) {
        guard !exchange.isOver else { return }
        let (status, text) =
            switch exchange.refusal {
            case 413: (413, "the body is over the limit of \(configuration.maximumReceiveMessageBytes) bytes")
            case 408: (408, "the body did not come in time")
            default: (500, "the handler failed")
            }
        let response = HTTP3StreamedResponse(HTTP3Response(status: status, text: text))
        _ = begin(response, of: exchange, isHead: false)
    }

    /// Sends the head of a response, and its content if that is short; answers with what is left to write.
    private func begin(_ response: HTTP3StreamedResponse, of exchange: HTTP3Exchange, isHead: Bool) -> HTTP3Body? {
        guard !isClosed, !exchange.isOver else { return nil }
        let length = response.body.length
        let hasContent = !isHead && response.status != 204 && response.status != 304
        do {
            guard (200...599).contains(response.status) else {
                throw TransportError(.invalidArgument, "\(response.status) is no final status")
            }
            // RFC 9110 §8.6: never with 204, and otherwise only that of the content which a GET would have.
            let fields = try MessageFields(
                response.headers.filter { response.status != 204 || $0.name.lowercased() != "content-length" },
                length: hasContent ? length : nil, allowsLength: hasContent)
            var pairs = [HeaderPair(name: ":status", value: "\(response.status)")] + fields.pairs
            if isHead, let length, length > 0, fields.contentLength == nil {
                pairs.append(HeaderPair(name: "content-length", value: "\(length)"))
            }
            let isFinal = !hasContent || response.body.isEmpty
            try wire.http3.submitResponse(stream: exchange.id, prepared: [], extra: pairs, isFinal: isFinal)
            wire.sourceHasData()
            exchange.beginContent(length: fields.contentLength, isFinal: isFinal)
            if isFinal { return nil }
        } catch let error as HTTP3SendError {
            let isTooLarge = if case .fieldSectionTooLarge = error { true } else { false }
            exchange.abort(
                TransportError(.internal, "the response cannot be sent: \(error)"),
                isTooLarge ? .excessiveLoad : .internalError)
            return nil
        } catch {
            // The handler's answer is none that HTTP/3 has.
            let failure = HTTP3StreamedResponse(HTTP3Response(status: 500, text: "the handler failed"))
            return begin(failure, of: exchange, isHead: isHead)
        }
        guard case .bytes(let bytes) = response.body.content, bytes.count <= HTTP3BodyWriter.sliceBytes else {
            return response.body
        }
        _ = exchange.send(bytes)
        exchange.finishWriting()
        return nil
    }
}
