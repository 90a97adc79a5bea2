import Testing
import TransportTestKit

@testable import TransportDNS

@Suite("What the machine itself says about names")
struct LocalNamesTests {
    @Test func `Short names are looked for in the search list first, long ones last`() {
        let names = LocalNames(
            settings: "# search no\nnameserver ::1\nsearch a.example. B.example\noptions timeout:1 ndots:2\n")
        #expect(names.candidates(for: "x") == ["x.a.example", "x.b.example", "x"])
        #expect(names.candidates(for: "x.y.z") == ["x.y.z", "x.y.z.a.example", "x.y.z.b.example"])
        #expect(names.candidates(for: "x.") == ["x"])
        #expect(LocalNames().candidates(for: "x") == ["x"])
    }

    @Test func `The last of search and domain counts, and numbers have bounds`() {
        let names = LocalNames(settings: "search a b\ndomain c d\noptions ndots:99\n")
        #expect(names.searchDomains == ["c"])
        #expect(names.dots == 15)
        #expect(LocalNames(settings: "options ndots:many\n;domain x").dots == 1)
    }

    @Test func `Any text is read`() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        let parts = [
            "search", " ", "\n", "\r\n", "#", ";", "options", "ndots:", "9", "::1", "10.0.0.1", "a", ".", "\t", "é",
            "\0",
        ]
        for _ in 0..<5_000 {
            let text = (0..<20).compactMap { _ in parts.randomElement(using: &random) }.joined()
            let names = LocalNames(hosts: text, settings: text)
            #expect(names.searchDomains.count <= 6 && (0...15).contains(names.dots), "seed \(seed)")
            #expect(names.candidates(for: "a").contains("a"), "seed \(seed)")
        }
    }
}
