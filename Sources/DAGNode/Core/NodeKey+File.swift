public import DAGProtocol
internal import Foundation
internal import NodeTransport

extension NodeKey {
    /// The key in `path`, which is made, for its owner's eyes only, when it is not there.
    ///
    /// - Throws: ``/NodeTransport/TransportError`` that names the file.
    public static func load(orCreate path: String) throws -> NodeKey {
        do {
            guard FileManager.default.fileExists(atPath: path) else { return try create(path) }
            let data = try Data(contentsOf: URL(filePath: path))
            guard let key = NodeKey(rawRepresentation: data) else {
                throw TransportError(.dataLoss, "node key \(path): \(data.count) bytes instead of an Ed25519 key's 32")
            }
            return key
        } catch let error as TransportError {
            throw error
        } catch {
            throw TransportError(.unavailable, "node key \(path): \(error.localizedDescription)")
        }
    }

    /// Whole or not at all, and on the disk before anything is signed with it.
    private static func create(_ path: String) throws -> NodeKey {
        let key = NodeKey()
        let temporary = "\(path).new"
        try? FileManager.default.removeItem(atPath: temporary)
        let isCreated = FileManager.default.createFile(
            atPath: temporary, contents: nil, attributes: [.posixPermissions: 0o600])
        guard isCreated, let file = FileHandle(forWritingAtPath: temporary) else {
            throw TransportError(.unavailable, "node key \(path): cannot be written")
        }
        try file.write(contentsOf: key.rawRepresentation)
        try file.synchronize()
        try file.close()
        try FileManager.default.moveItem(atPath: temporary, toPath: path)
        return key
    }
}
