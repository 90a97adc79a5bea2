internal import NodeTransport

/// The client's end; letting go of it cancels the call.
final class InMemoryClientCall: ClientCall {
    private let call: InMemoryCall

    init(_ call: InMemoryCall) { self.call = call }

    deinit { cancel() }

    func send(_ message: Bytes) async throws {
        if let error = call.link.refusal(ofRequest: message, call.head.method) {
            call.cut(error)
        }
        try await call.perform(.clientSend, onCancel: cancel) { $0.clientSend(message, &$1) }
    }

    func finishSending() async throws {
        try await call.perform(.clientSend, onCancel: cancel) { $0.clientFinish(&$1) }
    }

    func initialMetadata() async throws -> Metadata {
        try await call.perform(.clientMetadata, onCancel: cancel) { machine, _ in machine.clientMetadata() }
    }

    func receive() async throws -> Bytes? {
        try await call.perform(.clientReceive, onCancel: cancel) { $0.clientReceive(&$1) }
    }

    var trailers: Metadata { call.withMachine { machine, _ in machine.trailers } }

    func cancel() { call.cut(.cancelled(call.head.method, endpoint: call.link.endpoint)) }
}
