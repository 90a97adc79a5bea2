/// One promise, and how to see whether a transport keeps it.
public struct ContractCase: Sendable, CustomStringConvertible {
    /// The promise in a few words.
    public let name: String
    private let body: @Sendable (any TransportUnderTest) async throws -> Void

    init(_ name: String, _ body: @escaping @Sendable (any TransportUnderTest) async throws -> Void) {
        self.name = name
        self.body = body
    }

    /// What Swift Testing shows.
    public var description: String { name }

    /// Runs the case against `test`.
    ///
    /// - Throws: ``ContractViolation`` when the promise is broken, or when the case has not ended within
    ///   ``TransportUnderTest/caseTimeLimit``.
    public func run(_ test: any TransportUnderTest) async throws {
        do {
            try await withTimeLimit(of: test) { [body] in try await body(test) }
        } catch let violation as ContractViolation {
            throw violation
        } catch {
            throw ContractViolation("an unexpected error ended the case: \(error)")
        }
    }
}
