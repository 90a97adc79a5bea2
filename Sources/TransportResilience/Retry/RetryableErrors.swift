public import NodeTransport

/// A class of errors that are worth another attempt, and how long to wait before it.
public struct RetryableErrors: Sendable {
    private let matches: @Sendable (any Error) -> Bool

    /// The class's own delays; `nil` for the policy's.
    public let backoff: Backoff?

    /// Errors for which `predicate` holds.
    ///
    /// - Parameters:
    ///   - backoff: Delays for this class, when they are not to be the policy's.
    ///   - predicate: Whether an error belongs to the class.
    public init(backoff: Backoff? = nil, where predicate: @escaping @Sendable (any Error) -> Bool) {
        self.backoff = backoff
        matches = predicate
    }

    /// `TransportError`s with one of `codes`.
    public static func codes(_ codes: Set<StatusCode>, backoff: Backoff? = nil) -> RetryableErrors {
        RetryableErrors(backoff: backoff) { ($0 as? TransportError).map { codes.contains($0.code) } ?? false }
    }

    /// Errors of the Swift type `type`.
    public static func type<Failure: Error>(_ type: Failure.Type, backoff: Backoff? = nil) -> RetryableErrors {
        RetryableErrors(backoff: backoff) { $0 is Failure }
    }

    /// Whether `error` belongs to the class.
    public func contains(_ error: any Error) -> Bool { matches(error) }
}
