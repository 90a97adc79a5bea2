import Testing

@testable import HTTP3Engine

@Suite("The table of streams")
struct StreamTableTests {
    @Test func `Streams are found until they are closed`() {
        let seed = Seeded.fresh
        var random = Seeded(seed)
        var table = StreamTable()
        var open: Set<Int64> = []
        for _ in 0..<20_000 {
            let id = Int64.random(in: 0..<600, using: &random) * 4
            if let stream = table.stream(id) {
                #expect(open.contains(id) && stream.id == id, "seed \(seed)")
                if Bool.random(using: &random) {
                    table.close(stream)
                    open.remove(id)
                }
            } else {
                #expect(!open.contains(id), "seed \(seed)")
                #expect(table.open(id).id == id)
                open.insert(id)
            }
            #expect(table.count == open.count)
        }
    }
}
