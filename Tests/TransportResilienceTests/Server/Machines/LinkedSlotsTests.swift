import Testing
import TransportTestKit

@testable import TransportResilience

@Suite struct LinkedSlotsTests {
    @Test func aTicketNamesNothingOnceItsElementIsRemoved() throws {
        var slots = LinkedSlots<String>(capacity: 1)
        let inserted = [slots.insert("a"), slots.insert("b")]
        let first = try #require(inserted[0])
        #expect(inserted[1] == nil, "it is full")
        let removed = slots.remove(first)
        #expect(removed == "a")
        let third = slots.insert("c")
        let second = try #require(third)
        #expect(slots[first] == nil)
        let again = slots.remove(first)
        #expect(again == nil)
        #expect(slots[second] == "c")
    }

    /// Against an array, which is the same but for the speed.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func theChainIsInTheOrderOfLinking(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var slots = LinkedSlots<Int>(capacity: 12)
        var all: [(ticket: SlotTicket, value: Int)] = []
        var chain: [Int] = []
        for step in 0..<2_000 {
            let chosen = all.randomElement(using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                let ticket = slots.insert(step)
                #expect((ticket == nil) == (all.count == 12), "seed \(seed)")
                if let ticket { all.append((ticket, step)) }
            case 2, 3:
                guard let chosen else { continue }
                slots.link(chosen.ticket)
                if !chain.contains(chosen.value) { chain.append(chosen.value) }
            case 4:
                guard let chosen else { continue }
                slots.unlink(chosen.ticket)
                chain.removeAll { $0 == chosen.value }
            default:
                guard let chosen else { continue }
                let removed = slots.remove(chosen.ticket)
                #expect(removed == chosen.value, "seed \(seed)")
                all.removeAll { $0.value == chosen.value }
                chain.removeAll { $0 == chosen.value }
            }
            let ends = [slots.first, slots.last].map { ticket in ticket.flatMap { slots[$0] } }
            #expect(ends == [chain.first, chain.last], "seed \(seed)")
            #expect(slots.linkedCount == chain.count, "seed \(seed)")
            #expect(slots.count == all.count, "seed \(seed)")
        }
        #expect(slots.allocatedCount <= 12)
    }
}
