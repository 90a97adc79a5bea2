/// Why a call, a connection or a listener failed: the one error that every transport throws.
public struct TransportError: Error, Sendable {
    /// Who found out that something was wrong.
    public enum Origin: String, Sendable, Hashable {
        /// This process: a deadline that passed, a cancellation, a wrong argument.
        case local
        /// The peer said so, by a status or by an error code on the wire.
        case remote
        /// The transport itself: a connection that could not be made or was lost, a protocol violation.
        case library
    }

    /// Whether the peer may have started to work on the call.
    public enum Processing: Sendable, Hashable {
        /// It may have; only an idempotent call may be sent again.
        case unknown
        /// The wire proves that it has not (connection never made, stream refused, GOAWAY): any call may be
        /// sent again.
        case notProcessed
    }

    /// Everything lives behind one reference so that throwing and storing an error moves one word.
    private final class Storage: Sendable {
        let code: StatusCode
        let message: String
        let cause: (any Error)?
        let origin: Origin
        let processing: Processing
        let endpoint: Endpoint?
        let attempt: Int?
        let metadata: Metadata

        init(
            code: StatusCode, message: String, cause: (any Error)?, origin: Origin, processing: Processing,
            endpoint: Endpoint?, attempt: Int?, metadata: Metadata
        ) {
            self.code = code
            self.message = message
            self.cause = cause
            self.origin = origin
            self.processing = processing
            self.endpoint = endpoint
            self.attempt = attempt
            self.metadata = metadata
        }
    }

    private var storage: Storage

    /// - Parameters:
    ///   - code: What kind of failure; never ``StatusCode/ok``, which becomes ``StatusCode/unknown``.
    ///   - message: One line for a person: what failed, where, and why.
    ///   - cause: The error underneath, if there was one.
    ///   - origin: Who found out.
    ///   - processing: Whether the peer may have worked on the call.
    ///   - endpoint: The peer it is about.
    ///   - attempt: Which attempt failed, from 1, where a retry policy is at work.
    ///   - metadata: The trailers that came with the status, or those to send with it.
    public init(
        _ code: StatusCode,
        _ message: String,
        cause: (any Error)? = nil,
        origin: Origin = .local,
        processing: Processing = .unknown,
        endpoint: Endpoint? = nil,
        attempt: Int? = nil,
        metadata: Metadata = Metadata()
    ) {
        storage = Storage(
            code: code == .ok ? .unknown : code, message: message, cause: cause, origin: origin,
            processing: processing, endpoint: endpoint, attempt: attempt, metadata: metadata)
    }

    /// What kind of failure.
    public var code: StatusCode { storage.code }
    /// One line for a person.
    public var message: String { storage.message }
    /// The error underneath.
    public var cause: (any Error)? { storage.cause }
    /// Who found out.
    public var origin: Origin { storage.origin }
    /// Whether the peer may have worked on the call.
    public var processing: Processing { storage.processing }
    /// The peer it is about.
    public var endpoint: Endpoint? { storage.endpoint }
    /// Which attempt failed, from 1.
    public var attempt: Int? { storage.attempt }
    /// The trailers that came with the status, or those to send with it.
    public var metadata: Metadata { storage.metadata }

    /// One word out of a small fixed set, fit to be a metric's label.
    public var metricLabel: String {
        (0...16).contains(code.rawValue) ? code.description : "other"
    }

    /// The same error about `endpoint` and `attempt`, where they are not known yet.
    public func at(_ endpoint: Endpoint?, attempt: Int? = nil) -> TransportError {
        TransportError(
            code, message, cause: cause, origin: origin, processing: processing,
            endpoint: self.endpoint ?? endpoint, attempt: self.attempt ?? attempt, metadata: metadata)
    }
}

extension TransportError: CustomStringConvertible {
    /// `unavailable: message (grpc://127.0.0.1:1, attempt 2): cause`.
    public var description: String {
        var text = "\(code): \(message)"
        let place = [endpoint.map(\.description), attempt.map { "attempt \($0)" }].compactMap { $0 }
        if !place.isEmpty { text += " (\(place.joined(separator: ", ")))" }
        if let cause { text += ": \(cause)" }
        return text
    }
}
