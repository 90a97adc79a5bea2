internal import ArgumentParser
internal import DAGProtocol
internal import Foundation

/// What the demonstration submits.
struct DemoInput: Sendable {
    /// No transaction is made larger than this.
    private static let maximumChunkBytes = 64 * 1024

    let files: [Chunks]
    let chunkBytes: Int

    var bytes: Int { files.reduce(0) { $0 + $1.contents.count } }
    var transactionCount: Int { files.reduce(0) { $0 + $1.count } }

    /// Reads files, and the files below folders.
    ///
    /// - Throws: `ValidationError` that names what cannot be read.
    static func read(_ names: [String], minimumTransactions: Int) throws -> DemoInput {
        guard !names.isEmpty else { throw ValidationError("name the files to submit") }
        var contents: [(name: String, data: Data)] = []
        for name in try names.flatMap({ try filesBelow($0) }) {
            do {
                contents.append((name, try Data(contentsOf: URL(filePath: name))))
            } catch {
                throw ValidationError("cannot read \(name): \(error.localizedDescription)")
            }
        }
        let bytes = contents.reduce(0) { $0 + $1.data.count }
        guard bytes > 0 else { throw ValidationError("there is nothing to submit: \(contents.count) files, all empty") }
        let chunkBytes = min(max(bytes / minimumTransactions, 1), maximumChunkBytes)
        let now = Timestamp.now().microseconds
        let files = contents.enumerated().map { index, file in
            Chunks(
                name: file.name, contents: file.data, chunkBytes: chunkBytes, holder: "demo", timestamp: now,
                id: "file-\(index)")
        }
        return DemoInput(files: files, chunkBytes: chunkBytes)
    }

    private static func filesBelow(_ name: String) throws -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: name, isDirectory: &isFolder) else {
            throw ValidationError("cannot read \(name): no such file")
        }
        guard isFolder.boolValue else { return [name] }
        let below = FileManager.default.enumerator(atPath: name)?.compactMap { $0 as? String } ?? []
        return below.sorted().map { "\(name)/\($0)" }.filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
        }
    }

    /// The transactions for each of `count` nodes: whole files, about as many transactions each. The files of one node
    /// take turns, so that the chains of several grow at once.
    func shares(_ count: Int) -> [[Tx]] {
        var shares = [[Tx]](repeating: [], count: count)
        for file in files.sorted(by: { $0.count > $1.count }) {
            let transactions = file.transactions()
            if transactions.count > transactionCount / count {
                // One large file: its chain runs through all nodes.
                for (index, transaction) in transactions.enumerated() {
                    shares[index * count / transactions.count].append(transaction)
                }
            } else if let smallest = shares.indices.min(by: { shares[$0].count < shares[$1].count }) {
                shares[smallest] += transactions
            }
        }
        return shares
    }
}
