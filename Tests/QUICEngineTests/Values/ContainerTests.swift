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
}
