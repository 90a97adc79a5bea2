import Testing

@testable import HTTP2Engine

@Suite struct StreamIndexTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func `it agrees with a dictionary`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var index = StreamIndex()
        var model: [UInt32: Int] = [:]
        for step in 0..<2000 {
            let id = UInt32.random(in: 1...300, using: &random) &* (seed % 2 == 0 ? 1 : 1 << 20)
            if model[id] != nil, Bool.random(using: &random) {
                index.remove(id)
                model[id] = nil
            } else if model[id] == nil, id != 0 {
                index.insert(id, slot: step)
                model[id] = step
            }
            #expect(index.count == model.count, "seed \(seed)")
        }
        for id in 1...300 as ClosedRange<UInt32> {
            let key = id &* (seed % 2 == 0 ? 1 : 1 << 20)
            let slot = index.slot(of: key)
            #expect(slot == model[key], "seed \(seed), stream \(key)")
        }
    }

    @Test func `removing what is not there does nothing`() {
        var index = StreamIndex()
        index.insert(1, slot: 0)
        index.remove(3)
        let slot = index.slot(of: 1)
        #expect(slot == 0)
    }
}

@Suite struct RecentlyClosedTests {
    @Test func `it remembers the last 256 streams and how they ended`() {
        var closed = RecentlyClosed()
        for id in stride(from: UInt32(1), through: 1023, by: 2) {
            closed.insert(id, id % 3 == 0 ? .resetHere : .endedByPeer)
        }
        let endings = [
            closed.ending(of: 1023), closed.ending(of: 1021), closed.ending(of: 513), closed.ending(of: 511),
        ]
        #expect(endings == [.resetHere, .endedByPeer, .resetHere, nil])
    }
}
