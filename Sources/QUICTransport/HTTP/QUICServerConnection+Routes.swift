internal import EventLoops
internal import HTTP3Engine
internal import NodeTransport

// Plain HTTP/3 requests.

extension QUICServerConnection {
    /// Begins a request that is not gRPC; false when nothing but gRPC is served.
    func beginExchange(_ id: Int64, _ fields: ArraySlice<HeaderField>) -> Bool {
        guard !owner.routes.isEmpty else { return false }
        let exchange = HTTP3Exchange(limitBytes: configuration.maximumReceiveMessageBytes)
        exchange.take(fields)
        exchanges[id] = exchange
        return true
    }

    /// Takes content of such a request.
    func take(_ content: HTTP3Content, on id: Int64, _ input: UnsafeRawBufferPointer) {
        wire.consume(id, content.count)
        guard let exchange = exchanges[id] else { return }
        let fits = unsafe content.withUnsafeBytes(of: input) { unsafe exchange.append($0) }
        if !fits {
            exchanges[id] = nil
            port.refuse(id, httpStatus: "413", exchange.tooLarge.message)
        }
    }

    /// Such a request is complete: its handler runs.
    func finishRequest(_ id: Int64) {
        guard let exchange = exchanges[id] else { return }
        let request = exchange.request(port.peer)
        guard let handler = owner.routes[request.route] else {
            exchanges[id] = nil
            return port.refuse(id, httpStatus: "404", "nothing is served at \(request.route)")
        }
        // Ends with its handler; a client that gives the request up cancels it.
        let task = Task.immediate(executorPreference: loop.taskExecutor) {
            let response: HTTP3Response
            do {
                response = try await handler(request)
            } catch {
                response = HTTP3Response(status: 500, text: "the handler failed")
            }
            self.loop.execute { self.onLoop { $0.answer(id, response) } }
        }
        if exchanges[id] != nil { exchange.task = task }
    }

    private func answer(_ id: Int64, _ response: HTTP3Response) {
        guard exchanges.removeValue(forKey: id) != nil else { return }
        port.answer(id, response)
    }
}
