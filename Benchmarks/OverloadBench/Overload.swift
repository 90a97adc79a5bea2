import GRPCTransport
import NodeTransport
import Synchronization
import TransportResilience

/// Four places for 20 ms each: 200 calls a second. They are asked for 2,000 by clients that wait for 500 ms.
enum Overload {
    static let places = 4
    static let serviceTime = Duration.milliseconds(20)
    static let patience = Duration.milliseconds(500)

    /// What is worked on in turn, also for clients that have given up: a disk, a database.
    actor Resource {
        private var free = Overload.places
        private var waiting: [CheckedContinuation<Void, Never>] = []
        private var first = 0

        func work() async {
            if free > 0 { free -= 1 } else { await withCheckedContinuation { waiting.append($0) } }
            // Not to be cancelled.
            await Task { try? await ContinuousClock().sleep(for: Overload.serviceTime) }.value
            if first < waiting.count {
                first += 1
                waiting[first - 1].resume()
            } else {
                free += 1
            }
        }
    }

    struct Slow: Service {
        let resource = Resource()
        var handlers: [MethodHandler] {
            [
                BenchMethods.echo.handle { request, _ in
                    await resource.work()
                    return request
                }
            ]
        }
    }

    final class Tally: Sendable {
        let good = Mutex<[Double]>([])
        let refused = Mutex<[String: Int]>([:])
        /// Why the first call was lost that nobody refused.
        let firstLoss = Mutex("")
        func answered(_ latency: Duration) { good.withLock { $0.append(latency / .milliseconds(1)) } }
        func failed(_ error: any Error) {
            let error = error as? TransportError
            if error?.code == .unavailable {
                firstLoss.withLock { if $0.isEmpty { $0 = error?.description ?? "" } }
            }
            let name = error.flatMap(ServerLimit.init(namedIn:))?.rawValue ?? error?.code.description ?? "other"
            refused.withLock { $0[name, default: 0] += 1 }
        }
    }

    static func run(seconds: Int) async throws {
        let limits = ServerLimits(concurrency: .fixed(places), queue: QueueLimit(length: 128))
        var adaptive = limits
        adaptive.concurrency = .gradient(within: 1...64, initial: 16)
        try await run("without limits", try GRPCTransport(security: .plaintext), seconds)
        try await run("fixed", try GRPCTransport(security: .plaintext).limited(limits), seconds)
        try await run("gradient", try GRPCTransport(security: .plaintext).limited(adaptive), seconds)
    }

    private static func run(_ name: String, _ server: any Transport, _ seconds: Int) async throws {
        let client = try GRPCTransport(security: .plaintext)
        let listener = try await server.listen(on: "grpc://127.0.0.1:0", services: [Slow()])
        var connections: [any Connection] = []
        for _ in 0..<8 { connections.append(try await client.connect(to: listener.endpoint)) }
        let (tally, clock, start) = (Tally(), ContinuousClock(), ContinuousClock.now)
        await withDiscardingTaskGroup { group in
            for number in 0..<(seconds * 2_000) {
                try? await clock.sleep(until: start.advanced(by: .microseconds(500) * number))
                let connection = connections[number % connections.count]
                group.addTask {
                    let begin = clock.now
                    do {
                        _ = try await connection.call(BenchMethods.echo, Bytes(), deadline: .after(patience))
                        tally.answered(clock.now - begin)
                    } catch {
                        tally.failed(error)
                    }
                }
            }
        }
        let latencies = tally.good.withLock { $0.sorted() }
        let capacity = Double(places) / (serviceTime / .seconds(1)) * Double(seconds)
        let p99 = latencies.isEmpty ? 0 : latencies[latencies.count * 99 / 100]
        print(
            "\(name): goodput \(Int(Double(latencies.count) / capacity * 100)) % of capacity, p99 of what was answered "
                + "\(Int(p99)) ms, not answered: \(tally.refused.withLock { $0 })")
        let loss = tally.firstLoss.withLock { $0 }
        if !loss.isEmpty { print("    the first that was lost: \(loss)") }
        await client.shutdown(within: .zero)
        await server.shutdown(within: .zero)
    }
}
