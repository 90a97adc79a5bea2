import NodeTransport
import Synchronization
import Testing
import TransportResilience
import TransportTestKit

@testable import struct TransportResilience.PickRandom

// One at a time: each keeps all threads busy.
@Suite("Channels under chaos", .timeLimit(.minutes(5)), .serialized)
struct ChannelChaosTests {
    static let balancers: [(String, Balancer)] = [
        ("pick first", .pickFirst), ("round robin", .roundRobin), ("least request", .leastRequest),
        ("consistent hashing", .consistentHashing()),
    ]

    /// Peers are killed, cut off, shut down, listed and left out in any order, while calls are made that wait. A call
    /// may only fail because its connection was cut under it.
    @Test("Calls fail only when they are cut, and all is well in the end", arguments: balancers, randomSeeds.prefix(2))
    func chaos(balancer: (String, Balancer), seed: UInt64) async throws {
        let rig = ChannelRig()
        var random = PickRandom(seed: seed)
        let names = ["a", "b", "c", "d"]
        var listeners: [String: any Listener] = [:]
        for name in names { listeners[name] = try await rig.serve(name) }
        rig.resolver.resolve(try names.map { ResolvedPeer(try ChannelRig.endpoint($0)) })
        var configuration = ChannelConfiguration()
        configuration.backoff = Backoff(initialDelay: .milliseconds(10), maximumDelay: .milliseconds(50))
        let channel = try await rig.connect(balancer.1, configuration)
        let patient = channel.routed { $0.waitsForReady = true }
        let isOver = Recording<Void>()
        let wrong = Recording<any Error>()
        await withDiscardingTaskGroup { group in
            for _ in 0..<2 {
                group.addTask {
                    while isOver.all.isEmpty {
                        do { _ = try await patient.call(ChannelRig.who, "") } catch {
                            let error = error as? TransportError
                            // Cut in flight: the peer may have seen it.
                            if error?.code != .unavailable || error?.processing != .unknown {
                                wrong.append(error ?? TransportError(.unknown, "no transport's error"))
                            }
                        }
                    }
                }
            }
            for _ in 0..<60 {
                let name = names.randomElement(using: &random) ?? "a"
                let endpoint = listeners[name]?.endpoint
                switch Int.random(in: 0..<6, using: &random) {
                case 0:
                    if let endpoint { rig.network.vanish(endpoint) }
                    listeners[name] = nil
                case 1:
                    if let endpoint { rig.network.disconnect(endpoint) }
                case 2:
                    await listeners.removeValue(forKey: name)?.shutdown(within: .seconds(20))
                case 3:
                    let listed = names.filter { _ in Bool.random(using: &random) }
                    rig.resolver.resolve(listed.compactMap { try? ResolvedPeer(ChannelRig.endpoint($0)) })
                default:
                    if listeners[name] == nil { listeners[name] = try? await rig.serve(name) }
                }
                rig.clock.advance(by: .milliseconds(Int.random(in: 0..<60, using: &random)))
                for _ in 0..<Int.random(in: 0..<20, using: &random) { await Task.yield() }
            }
            // All are there again: the calls that wait go through, and their tasks end.
            for name in names where listeners[name] == nil { listeners[name] = try? await rig.serve(name) }
            rig.resolver.resolve(names.compactMap { try? ResolvedPeer(ChannelRig.endpoint($0)) })
            isOver.append(())
            let last = Task { try await patient.call(ChannelRig.who, "") }
            let answered = Recording<Void>()
            group.addTask {
                if let name = try? await last.value { #expect(names.contains(name)) }
                answered.append(())
            }
            while answered.all.isEmpty || !channel.state.isReady, !Task.isCancelled {
                rig.clock.advance(by: .milliseconds(50))
                await Task.yield()
            }
        }
        let firstWrong = wrong.all.first.map { "\($0)" }
        #expect(firstWrong == nil)
        #expect(names.contains(try await patient.call(ChannelRig.who, "")))
        await rig.end()
    }
}
