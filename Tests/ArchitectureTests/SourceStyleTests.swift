import Testing

@Suite("The sources keep their own rules")
struct SourceStyleTests {
    private let handwritten = SourceTree.sources.filter { !$0.isGenerated }
    // This folder spells out what it forbids.
    private let tests = SourceTree.tests.filter { !$0.path.hasPrefix("Tests/ArchitectureTests/") }

    @Test func `No file is longer than 600 lines`() {
        for file in handwritten + tests {
            #expect(
                file.lines.count <= 600,
                "\(file.path) has \(file.lines.count) lines; a file is one thing, divide it"
            )
            if file.lines.count > 500 {
                print("warning: \(file.path) has \(file.lines.count) lines and nears the limit of 600")
            }
        }
    }

    @Test(arguments: [
        "@unchecked Sendable", "nonisolated(unsafe)", "Unmanaged<", "Unmanaged.", "unsafeBitCast(", "@exclusivity(",
    ])
    func `What switches a check of the compiler off says why it is sound`(construct: String) {
        for file in handwritten {
            for (number, text) in file.code where text.contains(construct) {
                // On the line itself or on one of the three before it, or before others of its kind.
                let first = file.lines[..<number].lastIndex { !$0.contains(construct) } ?? 0
                let nearby = file.lines[max(0, first - 2)..<number]
                #expect(
                    nearby.contains { $0.contains("//") },
                    "\(file.path):\(number): say in a comment why '\(construct)' is sound here"
                )
            }
        }
    }

    @Test(arguments: ["try!", " as! ", "fatalError("])
    func `Nothing in the sources traps on purpose`(construct: String) {
        for file in handwritten {
            for (number, text) in file.code where text.contains(construct) {
                Issue.record("\(file.path):\(number): '\(construct)' ends the process; throw, or poison the connection")
            }
        }
    }

    @Test(arguments: ["Task.sleep", "Thread.sleep", "usleep(", " sleep("])
    func `No test sleeps to wait for something`(construct: String) {
        for file in tests {
            for (number, text) in file.code where text.contains(construct) {
                Issue.record("\(file.path):\(number): wait for the event itself, or drive a virtual clock")
            }
        }
    }

    /// What waits in vain would hang the whole run, and nobody would know which test it was.
    @Test func `A suite with tests that wait has a time limit`() {
        let suite = /@Suite(?<traits>\((?s:.)*?\))?\s+(?:private |final )*(?:struct|class|actor|enum)\s+(?<name>\w+)/
        for file in tests {
            let text = file.lines.joined(separator: "\n")
            guard text.contains("@Test"), text.contains(/\) async/) else { continue }
            for match in text.matches(of: suite) where match.traits?.contains(".timeLimit(") != true {
                Issue.record("\(file.path): the suite \(match.name) needs a .timeLimit")
            }
        }
    }

    @Test func `Every import in the sources has an access level`() {
        for file in handwritten {
            for imported in file.imports {
                #expect(
                    imported.hasAccessLevel,
                    "\(file.path):\(imported.line): write 'internal import \(imported.module)', or public where it is part of the API"
                )
            }
        }
    }
}
