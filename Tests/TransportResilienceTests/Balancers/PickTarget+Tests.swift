import NodeTransport
import Synchronization

@testable import TransportResilience

/// Seeds for tests with chance: a failing test names its own as its argument.
let randomSeeds: [UInt64] = (0..<4).map { _ in .random(in: .min ... .max) }

extension PickTarget {
    /// `memory://peer-<number>`.
    static func numbered(_ number: Int, weight: Int = 1, calls: Int = 0) throws -> PickTarget {
        let target = PickTarget(endpoint: try Endpoint(parsing: "memory://peer-\(number)"), weight: weight)
        target.load.callsInFlight.store(calls, ordering: .relaxed)
        return target
    }
}

extension CallHead {
    static func test(key: String? = nil, avoiding avoided: [Endpoint] = []) -> CallHead {
        var head = CallHead(method: MethodName("test.Test", "Unary"), shape: .unary)
        head.routing = CallRouting(key: key, avoided: avoided)
        return head
    }
}
