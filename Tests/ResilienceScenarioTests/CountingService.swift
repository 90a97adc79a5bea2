import NodeTransport
import Synchronization
import TransportTestKit

/// What the servers offer.
enum Work {
    /// May be done twice.
    static let read = Method<Unary, String, String>(
        "scenario.Work", "Read", request: .utf8, response: .utf8, isIdempotent: true)
    /// Must not be done twice.
    static let write = Method<Unary, String, String>("scenario.Work", "Write", request: .utf8, response: .utf8)
}

/// Who makes calls.
enum Caller: String, CaseIterable, Sendable {
    case naive, resilient
}

/// The service of all servers; counts every time that a handler began.
final class CountingService: Sendable {
    private struct State {
        var hanging: Set<String> = []
        /// By call: `naive 17`.
        var executions: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let clock: VirtualClock

    init(_ clock: VirtualClock) { self.clock = clock }

    /// From now on the handlers of these servers, and of no others, do not end.
    func hang(_ servers: Set<String>) { state.withLock { $0.hanging = servers } }

    /// How often each call of `caller` was executed, by its number.
    func executions(_ caller: Caller) -> [Int: Int] {
        let all = state.withLock { $0.executions }
        var executions: [Int: Int] = [:]
        for (call, count) in all {
            let parts = call.split(separator: " ")
            guard parts.first == caller.rawValue[...], let number = parts.last.flatMap({ Int($0) }) else { continue }
            executions[number] = count
        }
        return executions
    }

    fileprivate func execute(_ call: String, at server: String) async throws -> String {
        let hangs = state.withLock { state in
            state.executions[call, default: 0] += 1
            return state.hanging.contains(server)
        }
        // Ends when the caller gives up, which cancels it.
        if hangs { try await clock.sleep(for: .seconds(3_600)) }
        return call
    }

    /// As `server` offers it.
    func at(_ server: String) -> any Service { ServiceOfServer(server: server, service: self) }
}

private struct ServiceOfServer: Service {
    let server: String
    let service: CountingService

    var handlers: [MethodHandler] {
        [
            Work.read.handle { call, _ in try await service.execute(call, at: server) },
            Work.write.handle { call, _ in try await service.execute(call, at: server) },
        ]
    }
}
