public import NodeTransport

/// A message is refused because one of its fields is wrong.
public struct InvalidField: Error, Sendable, Hashable, CustomStringConvertible {
    /// The field's name in the `.proto` file.
    public let field: String
    /// What is wrong with it, and what is allowed.
    public let reason: String

    public init(_ field: String, _ reason: String) {
        self.field = field
        self.reason = reason
    }

    public var description: String { "\(field): \(reason)" }

    /// The status with which a service answers.
    public var status: TransportError { TransportError(.invalidArgument, description) }
}
