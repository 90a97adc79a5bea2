/// A promise that a transport has broken.
public struct ContractViolation: Error, Sendable, CustomStringConvertible {
    /// Which promise, and what happened instead.
    public let message: String

    init(_ message: String) { self.message = message }

    public var description: String { message }
}
