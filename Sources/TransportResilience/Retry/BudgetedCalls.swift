internal import NodeTransport

/// Tells a budget of the calls over one connection.
///
/// Where several layers around a call spend of one budget, the outermost tells it of the call: to those further in, each
/// copy and each attempt looks like a call, and none of them shall earn anything.
struct BudgetedCalls: Sendable {
    /// The calls that a layer is concerned with.
    enum Scope: Sendable {
        case all
        case idempotentUnary
    }

    private struct Layer: Sendable {
        let budget: RetryBudget
        let scope: Scope
    }

    /// The layers around the connection that is being made.
    @TaskLocal private static var outerLayers: [Layer] = []

    let budget: RetryBudget?
    private let tellsOfIdempotentUnary: Bool
    private let tellsOfOthers: Bool

    private init(_ budget: RetryBudget?, _ scope: Scope) {
        let outer = Self.outerLayers.filter { $0.budget === budget }
        self.budget = budget
        tellsOfIdempotentUnary = budget != nil && outer.isEmpty
        tellsOfOthers = budget != nil && scope == .all && !outer.contains { $0.scope == .all }
    }

    /// Makes a connection whose calls `budget` is told of.
    ///
    /// - Parameters:
    ///   - scope: The calls that the layer over the connection is concerned with.
    ///   - connect: Connects what the layer stands on.
    static func connected(
        _ budget: RetryBudget?, _ scope: Scope, _ connect: () async throws -> any Connection
    ) async throws -> (any Connection, BudgetedCalls) {
        let calls = BudgetedCalls(budget, scope)
        guard let budget else { return (try await connect(), calls) }
        let layers = outerLayers + [Layer(budget: budget, scope: scope)]
        return (try await $outerLayers.withValue(layers, operation: connect), calls)
    }

    /// `connect` with the layers that are around now, for a task that inherits nothing.
    static func keepingLayers(
        _ connect: @escaping @Sendable (Endpoint) async throws -> any Connection
    ) -> @Sendable (Endpoint) async throws -> any Connection {
        let layers = outerLayers
        guard !layers.isEmpty else { return connect }
        return { endpoint in try await $outerLayers.withValue(layers) { try await connect(endpoint) } }
    }

    /// A call begins.
    ///
    /// - Returns: The budget that was told, and has to be told when the call is over.
    func began(_ head: CallHead) -> RetryBudget? {
        let tells = head.isIdempotent && head.shape == .unary ? tellsOfIdempotentUnary : tellsOfOthers
        guard tells, let budget else { return nil }
        budget.callBegan()
        return budget
    }
}
