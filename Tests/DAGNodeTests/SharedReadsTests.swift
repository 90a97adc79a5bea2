import DAGProtocol
import DAGStore
import Foundation
import Synchronization
import Testing

@testable import DAGNode

@Suite("Shared reads", .timeLimit(.minutes(5)))
struct SharedReadsTests {
    @Test func `What is being read for one is not read again for others`() async throws {
        try await withNetwork { nursery in
            let gate = Gate()
            let node = try await nursery.start("a", wrap: { LyingStore(base: $0, damaged: [], gate: gate) })
            try await node.put(try Make.transactions(0..<4))
            let reads = SharedReads(store: node.store)
            let first = Task { try await reads.transactions(["tx-0", "tx-1", "none"]) }
            await gate.waitForReader()
            // The first two are under way; only the third is a read of its own.
            let second = Task { try await reads.transactions(["tx-1", "tx-0", "tx-3"]) }
            await gate.waitForReader()
            gate.open()
            #expect(try await first.value.map(\.id) == ["tx-0", "tx-1"])
            #expect(try await second.value.map(\.id) == ["tx-1", "tx-0", "tx-3"])
            #expect(gate.readIDs == [["tx-0", "tx-1", "none"], ["tx-3"]])
            _ = try await reads.transactions(["tx-0"])
            #expect(gate.readIDs.count == 3)
        }
    }

    @Test func `Whoever reads for others may leave`() async throws {
        try await withNetwork { nursery in
            let gate = Gate()
            let node = try await nursery.start("a", wrap: { LyingStore(base: $0, damaged: [], gate: gate) })
            try await node.put(try Make.transactions(0..<1))
            let reads = SharedReads(store: node.store)
            let first = Task { try await reads.transactions(["tx-0"]) }
            await gate.waitForReader()
            let second = Task { try await reads.transactions(["tx-0"]) }
            first.cancel()
            gate.open()
            #expect(try await second.value.map(\.id) == ["tx-0"])
        }
    }
}

/// Holds readers up until it is opened, and says that they have come.
final class Gate: Sendable {
    private struct State {
        var readIDs: [[String]] = []
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let (readers, reader) = AsyncStream.makeStream(of: Void.self)

    var readIDs: [[String]] { state.withLock { $0.readIDs } }

    func waitForReader() async { for await _ in readers { return } }

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiters { waiter.resume() }
    }

    func pass(_ ids: [String]) async {
        state.withLock { $0.readIDs.append(ids) }
        reader.yield()
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
