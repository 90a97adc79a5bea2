import Foundation

/// A text file of the package.
struct SourceFile: Sendable {
    /// The path from the package's root.
    var path: String
    var lines: [Substring]

    /// Made by a generator: the rules for hand-written code do not apply.
    var isGenerated: Bool { path.hasSuffix(".pb.swift") || path.contains("/Generated/") }

    /// The module that a file under Sources belongs to.
    var module: String { String(path.split(separator: "/").dropFirst().first ?? "") }

    /// The lines without their comments, with their numbers.
    var code: [(number: Int, text: Substring)] {
        lines.enumerated().map { index, line in
            (index + 1, line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line)
        }
    }

    /// The modules that are imported, with the line, and whether an access level is written.
    var imports: [(module: String, line: Int, hasAccessLevel: Bool)] {
        let levels: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "typealias", "func", "var", "let"]
        return code.compactMap { number, text in
            guard text.contains("import ") else { return nil }
            let words = text.split(separator: " ")
            guard let keyword = words.firstIndex(of: "import"),
                words[..<keyword].allSatisfy({ levels.contains($0) || $0.hasPrefix("@") }),
                let name = words[(keyword + 1)...].first(where: { !kinds.contains($0) })
            else { return nil }
            let module = String(name.prefix { $0 != "." })
            return (module, number, words[..<keyword].contains(where: levels.contains))
        }
    }
}

/// The files of this package, read once.
enum SourceTree {
    /// The folder of Package.swift.
    static let root: URL = {
        var folder = URL(filePath: #filePath).deletingLastPathComponent()
        while folder.path != "/", !FileManager.default.fileExists(atPath: folder.appending(path: "Package.swift").path)
        {
            folder.deleteLastPathComponent()
        }
        return folder
    }()

    static let manifest: String = text(at: "Package.swift") ?? ""
    static let sources: [SourceFile] = swiftFiles(in: "Sources")
    static let tests: [SourceFile] = swiftFiles(in: "Tests")

    /// The names of the folders in Sources that have files: the modules of the package.
    static let moduleNames: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Sources").path)) ?? []
        return names.sorted().filter { name in !files(in: "Sources/\(name)").isEmpty }
    }()

    static func text(at path: String) -> String? {
        try? String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private static func swiftFiles(in folder: String) -> [SourceFile] {
        files(in: folder).filter { $0.hasSuffix(".swift") }.compactMap { path in
            text(at: path).map {
                SourceFile(path: path, lines: $0.split(separator: "\n", omittingEmptySubsequences: false))
            }
        }
    }

    /// The paths of all files below `folder`, from the package's root.
    private static func files(in folder: String) -> [String] {
        let prefix = root.appending(path: folder).path
        let found = FileManager.default.enumerator(atPath: prefix)?.allObjects ?? []
        return found.compactMap { $0 as? String }
            .filter { path in
                let attributes = try? FileManager.default.attributesOfItem(atPath: "\(prefix)/\(path)")
                return attributes?[.type] as? FileAttributeType == .typeRegular
            }
            .map { "\(folder)/\($0)" }
            .sorted()
    }
}
