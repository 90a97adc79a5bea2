import Foundation
import Testing

/// docs/interop.md promises a test for each mark in its tables.
@Suite("docs/interop.md names tests that are there")
struct InteropTableTests {
    private let text: String
    /// Rows of the list of tests: mark, suite, name.
    private var tests: [(mark: String, suite: String, name: String)] {
        text.matches(of: /(?m)^\| ([A-Z]\d) \| (\w+)[^|]*\| `(.+)` \|$/).map {
            (String($0.1), String($0.2), String($0.3))
        }
    }

    init() throws {
        text = try String(contentsOf: SourceTree.root.appending(path: "docs/interop.md"), encoding: .utf8)
    }

    @Test func `Every mark stands for one test, and every test has a place in a table`() throws {
        let listed = tests.map(\.mark)
        try #require(listed.count > 40)
        #expect(Set(listed).count == listed.count)
        let (tables, _) = try #require(text.range(of: "## The tests").map { (text[..<$0.lowerBound], $0) })
        let used = Set(tables.matches(of: /\b[A-Z]\d\b/).map { String($0.0) })
        #expect(used == Set(listed))
    }

    @Test func `Every named test is in its suite`() {
        for test in tests {
            let files = SourceTree.tests.filter { file in file.lines.contains { $0.contains("struct \(test.suite)") } }
            let isThere = files.contains { file in
                file.lines.contains { $0.contains("func `\(test.name)`(") || $0.contains("func \(test.name)(") }
            }
            #expect(isThere, "\(test.mark): there is no test '\(test.name)' in \(test.suite)")
        }
    }
}
