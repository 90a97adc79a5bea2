import NodeTransport
import Testing

@testable import QUICEngine

/// What the engine keeps its queues and streams in does what an array and a dictionary do.
@Suite("Queues and tables", .timeLimit(.minutes(1))) struct ContainerTests {
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func aQueueIsFirstInFirstOut(seed: UInt64) {
        var generator = SeededGenerator(seed)
        let queue = FIFO<Int>()
        var model: [Int] = []
        for step in 0..<4_000 {
            // Grows first and shrinks then, so that the ring wraps around and is given back.
            let isAdding = Double(generator.next() % 1_000) < (step < 2_000 ? 600 : 400)
            if isAdding {
                queue.append(step)
                model.append(step)
            } else {
                #expect(queue.popFirst() == (model.isEmpty ? nil : model.removeFirst()), "seed \(seed)")
            }
            if generator.next() % 50 == 0, !model.isEmpty {
                queue.replaceLast(-step)
                model[model.count - 1] = -step
            }
            let offset = Int(generator.next() % 40)
            #expect(queue[offset] == (offset < model.count ? model[offset] : nil), "seed \(seed)")
            #expect(queue.count == model.count && queue.first == model.first, "seed \(seed)")
        }
        queue.removeAll()
        #expect(queue.isEmpty && queue.popFirst() == nil)
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func aTableFindsWhatWasEnteredAndNothingElse(seed: UInt64) throws {
        let connection = try Pair().connect()
        var generator = SeededGenerator(seed)
        let table = StreamTable()
        var model: Set<Int64> = []
        var nextID: Int64 = 0
        for _ in 0..<3_000 {
            // A hundred or so are open at a time; they end in any order, as calls do.
            if model.count < 60 || (model.count < 200 && generator.next() % 2 == 0) {
                table.insert(QUICStream(id: nextID, connection: connection))
                model.insert(nextID)
                nextID += generator.next() % 8 == 0 ? 1 : 4
            } else if let id = model.randomElement(using: &generator) {
                #expect(table.remove(id)?.id == id, "seed \(seed)")
                #expect(table.remove(id) == nil && table[id] == nil, "seed \(seed)")
                model.remove(id)
            }
            let asked = Int64(generator.next() % UInt64(max(nextID, 1)))
            #expect(table[asked]?.id == (model.contains(asked) ? asked : nil), "seed \(seed)")
        }
        #expect(Set(table.all.map(\.id)) == model && table.count == model.count, "seed \(seed)")
        table.removeAll()
        #expect(table.isEmpty && table.all.isEmpty)
    }
}
