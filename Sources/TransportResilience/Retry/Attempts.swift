internal import NodeTransport

/// How often an operation is tried in all: 1 to 1,000 times.
public struct Attempts: Sendable, Hashable {
    /// The first attempt and the retries.
    public let count: Int

    /// One attempt and `retries` more if it fails.
    public init(retries: UInt8) { count = 1 + Int(retries) }

    /// `count` attempts, for numbers that come from a file or a user.
    ///
    /// - Throws: `TransportError` with `invalidArgument` unless `count` is
    ///   within 1...1000.
    public init(_ count: Int) throws {
        guard (1...1000).contains(count) else {
            throw TransportError(.invalidArgument, "\(count) attempts: the number must be within 1...1000")
        }
        self.count = count
    }

    /// No retry.
    public static let once = Attempts(retries: 0)
}

extension Attempts: CustomStringConvertible {
    public var description: String { String(count) }
}
