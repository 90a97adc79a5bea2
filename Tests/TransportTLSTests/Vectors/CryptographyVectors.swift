import Foundation
import NodeTransport

/// The test vectors of the Python package `cryptography` (PyPI `cryptography-vectors`); `make peers` gets them.
enum CryptographyVectors {
    /// The package's folder.
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Where the vectors are; `nil` when they are not installed.
    private static let folder: URL? = {
        let python = root.appending(path: ".venv/bin/python")
        guard FileManager.default.isExecutableFile(atPath: python.path) else { return nil }
        let process = Process()
        process.executableURL = python
        let script = "import cryptography_vectors, os; print(os.path.dirname(cryptography_vectors.__file__))"
        process.arguments = ["-c", script]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let path = output.trimmingCharacters(in: .whitespacesAndNewlines)
        return process.terminationStatus == 0 && !path.isEmpty ? URL(fileURLWithPath: path) : nil
    }()

    /// Whether the vectors are there; where foreign peers are required, a missing package fails the tests.
    static let areThere: Bool = {
        if folder != nil { return true }
        guard ProcessInfo.processInfo.environment["TRANSPORT_REQUIRE_PEERS"] == nil else { return true }
        print(".venv has no cryptography_vectors, its tests are skipped; `make peers` gets it")
        return false
    }()

    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    static func path(_ name: String) throws -> String {
        guard let folder else { throw Missing(description: "cryptography_vectors is not in .venv: run `make peers`") }
        return folder.appending(path: name).path
    }

    static func read(_ name: String) throws -> Bytes {
        try Bytes(Data(contentsOf: URL(fileURLWithPath: path(name))))
    }

    /// The names of the files in a folder, with the folder before them, in order.
    static func files(in folder: String, endingIn suffixes: [String] = [""]) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path(folder))
            .filter { name in suffixes.contains { name.hasSuffix($0) } }
            .sorted()
            .map { "\(folder)/\($0)" }
    }
}
