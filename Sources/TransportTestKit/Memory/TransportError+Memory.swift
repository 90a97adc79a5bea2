internal import NodeTransport

extension TransportError {
    static func cancelled(_ method: MethodName, endpoint: Endpoint) -> TransportError {
        TransportError(.cancelled, "\(method) was cancelled", endpoint: endpoint)
    }

    static func deadlineExceeded(
        _ method: MethodName, endpoint: Endpoint, processing: Processing = .unknown
    ) -> TransportError {
        TransportError(
            .deadlineExceeded, "the deadline of \(method) passed", processing: processing, endpoint: endpoint)
    }

    static func messageTooLarge(_ byteCount: Int, limit: Int, _ method: MethodName, origin: Origin) -> TransportError {
        TransportError(
            .resourceExhausted, "a message of \(byteCount) bytes for \(method) is over the limit of \(limit) bytes",
            origin: origin)
    }

    /// What the client is told about an error of a handler: a ``TransportError`` as it is, of others no word that
    /// might give away how the server works.
    init(ofHandler error: any Error, endpoint: Endpoint) {
        switch error {
        case let error as TransportError:
            self.init(error.code, error.message, endpoint: endpoint, metadata: error.metadata)
        case is CancellationError:
            self.init(.cancelled, "the handler was cancelled", endpoint: endpoint)
        default:
            self.init(.unknown, "the handler failed", endpoint: endpoint)
        }
    }
}
