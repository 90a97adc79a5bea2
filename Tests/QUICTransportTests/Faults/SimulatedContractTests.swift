import NodeTransport
import Testing
import TransportSimulation
import TransportTestKit

/// The abstraction's promises hold over a network in memory, and when it loses every tenth datagram and lets some come
/// twice or late. The time is virtual: how busy this computer is makes no difference to what happens.
@Suite(.timeLimit(.minutes(5))) struct SimulatedContractTests {
    @Test("The contract in memory", .serialized, arguments: TransportContract.cases)
    func keepsThePromise(_ contractCase: ContractCase) async throws {
        try await run(contractCase, LinkConditions(delay: .milliseconds(1)))
    }

    @Test("The contract in memory at 10 percent loss", .serialized, arguments: TransportContract.cases)
    func keepsThePromiseAtLoss(_ contractCase: ContractCase) async throws {
        var conditions = LinkConditions(delay: .milliseconds(1), loss: 0.1)
        conditions.duplication = 0.03
        conditions.reordering = 0.03
        conditions.reorderingDelay = .milliseconds(5)
        try await run(contractCase, conditions)
    }

    private func run(_ contractCase: ContractCase, _ conditions: LinkConditions) async throws {
        let seed = SimulatedUnderTest.seed(of: contractCase.name)
        do {
            try await SimulatedWorld.run(seed: seed, timeLimit: .seconds(100_000)) { world in
                world.network.setDefaultConditions(conditions)
                try await contractCase.run(SimulatedUnderTest(world))
            }
        } catch {
            Issue.record("seed \(seed): \(error)")
        }
    }
}
