import StreamTables
import Testing
import TransportTestKit

@Suite struct StreamMapTests {
    private final class Object {
        let id: Int64

        init(_ id: Int64) { self.id = id }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `finds what was entered and nothing else`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let map = StreamMap<Object>()
        var model: Set<Int64> = []
        var nextID: Int64 = 0
        for _ in 0..<5_000 {
            // A hundred or so are open at a time; they end in any order, as calls do.
            if model.count < 60 || (model.count < 200 && random.next() % 2 == 0) {
                map.insert(Object(nextID), for: nextID)
                model.insert(nextID)
                nextID += random.next() % 8 == 0 ? 1 : 4
            } else if let id = model.randomElement(using: &random) {
                #expect(map.remove(id)?.id == id, "seed \(seed)")
                #expect(map.remove(id) == nil && map[id] == nil, "seed \(seed)")
                model.remove(id)
            }
            let asked = Int64(random.next() % UInt64(max(nextID, 1)))
            #expect(map[asked]?.id == (model.contains(asked) ? asked : nil), "seed \(seed)")
            #expect(map.count == model.count && map.isEmpty == model.isEmpty, "seed \(seed)")
        }
        #expect(map.all.map(\.id) == model.sorted(), "seed \(seed)")
        #expect(map.removeAll().map(\.id) == model.sorted(), "seed \(seed)")
        #expect(map.isEmpty && map.all.isEmpty && map[0] == nil)
    }

    @Test func `lets go of what is removed, replaced and left behind`() {
        weak var removed: Object?
        weak var replaced: Object?
        weak var left: Object?
        do {
            let map = StreamMap<Object>()
            for id in 0..<3 {
                let object = Object(Int64(id))
                if id == 0 { removed = object } else if id == 1 { replaced = object } else { left = object }
                map.insert(object, for: object.id)
            }
            map.remove(0)
            map.insert(Object(1), for: 1)
            #expect(removed == nil && replaced == nil && left != nil && map.count == 2)
        }
        #expect(left == nil)
    }

    @Test func `a negative identifier is nobody's`() {
        let map = StreamMap<Object>()
        map.insert(Object(0), for: 0)
        #expect(map[-1] == nil && map.remove(-1) == nil && map.count == 1)
    }
}
