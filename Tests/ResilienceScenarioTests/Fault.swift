import NodeTransport
import Testing
import TransportSimulation
import TransportTestKit

/// What goes wrong, from ``start`` on.
enum Fault: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case kill, hang, slow, flap, partition, restartAll

    /// When it begins, in virtual time from the first call on.
    static let start = Duration.seconds(10)

    /// When all is well again.
    var end: Duration { self == .restartAll ? .seconds(11) : .seconds(20) }

    /// From its beginning until no call goes to a server that does not serve; `nil` where it strikes anew all the time,
    /// and takes calls with it that must not be done twice.
    var reaction: Duration? {
        switch self {
        case .kill, .partition, .restartAll: .seconds(2)
        // Five calls have to fail there, which a server that seems busy gets one at a time.
        case .hang: .seconds(6)
        case .slow, .flap: nil
        }
    }

    /// The same for idempotent calls: of one server that does not answer they hear from another by their second copy.
    var idempotentReaction: Duration {
        switch self {
        case .kill, .hang, .slow, .flap: .zero
        // Both copies may go to servers that are cut off, or to none.
        case .partition, .restartAll: .seconds(2)
        }
    }

    /// For people.
    var title: String {
        switch self {
        case .kill: "Kill: one server's process is gone, and started again 10 s later"
        case .hang: "Hang: one server takes calls and does not answer for 10 s"
        case .slow: "Slow: each turn of one server takes 1.5 s for 10 s"
        case .flap: "Flap: one server is killed and started again every second for 10 s"
        case .partition: "Partition: the clients are cut off from two servers for 10 s"
        case .restartAll: "Restart all: every server is killed, and started again 1 s later"
        }
    }

    var testDescription: String { rawValue }

    /// Lets it happen, and returns when it is over.
    func strike(_ scenario: Scenario) async throws {
        let world = scenario.world
        try await scenario.reach(Self.start)
        switch self {
        case .kill:
            world.machine("a").kill()
            try await scenario.reach(end)
            try await scenario.serve("a")
        case .hang:
            // The wire goes on: keep-alive sees nothing.
            scenario.service.hang(["a"])
            try await scenario.reach(end)
            scenario.service.hang([])
        case .slow:
            world.machine("a").slowDown(.milliseconds(1_500))
            try await scenario.reach(end)
            world.machine("a").slowDown(.zero)
        case .flap:
            for second in stride(from: Self.start, to: end, by: .seconds(1)) {
                try await scenario.reach(second)
                world.machine("a").kill()
                try await scenario.reach(second + .milliseconds(500))
                try await scenario.serve("a")
            }
            try await scenario.reach(end)
        case .partition:
            for (client, server) in [("naive", "a"), ("naive", "b"), ("resilient", "a"), ("resilient", "b")] {
                world.network.cut(between: client, and: server)
                world.network.at(world.network.now + (end - Self.start)) { $0.heal(between: client, and: server) }
            }
            try await scenario.reach(end)
        case .restartAll:
            for server in Scenario.servers { world.machine(server).kill() }
            try await scenario.reach(end)
            for server in Scenario.servers { try await scenario.serve(server) }
        }
    }
}

/// `stride` for durations.
private func stride(from start: Duration, to end: Duration, by step: Duration) -> [Duration] {
    Array(sequence(first: start) { $0 + step < end ? $0 + step : nil })
}
