internal import NodeTransport

/// The server's end, and how a handler runs.
final class InMemoryServerCall: ServerCall {
    private let call: InMemoryCall

    init(_ call: InMemoryCall) { self.call = call }

    var head: CallHead { call.head }
    var peer: PeerIdentity? { call.link.client.configuration.identity }
    var remoteEndpoint: Endpoint { call.link.client.endpoint }

    func setInitialMetadata(_ metadata: Metadata) {
        call.withMachine { machine, _ in machine.setInitialMetadata(metadata) }
    }

    func sendInitialMetadata() async throws {
        try await perform(.serverSend) { $0.sendInitialMetadata(&$1) }
    }

    func setTrailers(_ metadata: Metadata) {
        call.withMachine { machine, _ in machine.setTrailers(metadata) }
    }

    func receive() async throws -> Bytes? { try await perform(.serverReceive) { $0.serverReceive(&$1) } }

    func send(_ message: Bytes) async throws {
        let limit = call.link.server.configuration.maximumMessageBytes
        guard message.count <= limit else {
            throw TransportError.messageTooLarge(message.count, limit: limit, head.method, origin: .local)
        }
        let clientLimit = call.link.client.configuration.maximumMessageBytes
        if message.count > clientLimit {
            call.cut(.messageTooLarge(message.count, limit: clientLimit, head.method, origin: .local))
        }
        try await perform(.serverSend) { $0.serverSend(message, &$1) }
    }

    /// Runs `handler`, and ends the call with what it comes to.
    func serve(_ handler: MethodHandler) async {
        do {
            try await Deadline.$current.withValue(head.deadline) { try await run(handler) }
            call.withMachine { $0.answer(nil, &$1) }
        } catch {
            let status = TransportError(ofHandler: error, endpoint: call.link.endpoint)
            call.withMachine { $0.answer(status, &$1) }
        }
    }

    private func run(_ handler: MethodHandler) async throws {
        let context = ServerContext(self)
        switch handler.body {
        case .unary(let body): try await send(try await body(try await onlyRequest(), context))
        case .stream(let body): try await body(context)
        }
    }

    private func onlyRequest() async throws -> Bytes {
        guard let request = try await receive() else {
            throw TransportError(.unimplemented, "\(head.method) takes one request, none was sent")
        }
        guard try await receive() == nil else {
            throw TransportError(.unimplemented, "\(head.method) takes one request, more were sent")
        }
        return request
    }

    private func perform<Value: Sendable>(
        _ slot: CallMachine.Slot,
        _ step: (inout CallMachine, inout CallMachine.Effects) -> CallMachine.Step<Value>
    ) async throws -> Value {
        try await call.perform(slot, onCancel: { [call] in call.wake(slot) }) { machine, effects in
            if Task.isCancelled {
                return .failed(TransportError(.cancelled, "the handler's task was cancelled"))
            }
            return step(&machine, &effects)
        }
    }
}
