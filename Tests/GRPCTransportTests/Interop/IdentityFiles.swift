import Foundation
import GRPCTransport
import NodeTransport
import Synchronization
import TransportTLS

/// A certificate authority and two nodes' identities as files, for programs that read files.
struct IdentityFiles {
    /// The contents of the files of each kind.
    private static let made = Mutex<[KeyType: [String: Data]]>([:])

    private let folder: TemporaryFolder

    init(keyType: KeyType = .p256) throws {
        folder = try TemporaryFolder()
        for name in ["server", "client"] {
            _ = try DevelopmentCA.initialize(directory: folder.path, name: name, keyType: keyType)
        }
    }

    /// The same identities for all who ask for this kind: RSA keys take a second each.
    static func shared(_ keyType: KeyType) throws -> IdentityFiles {
        try made.withLock { made in
            if let files = made[keyType] { return try IdentityFiles(copying: files) }
            let files = try IdentityFiles(keyType: keyType)
            let path = files.folder.path
            made[keyType] = try Dictionary(
                uniqueKeysWithValues: FileManager.default.contentsOfDirectory(atPath: path).map {
                    ($0, try Data(contentsOf: URL(fileURLWithPath: "\(path)/\($0)")))
                })
            return files
        }
    }

    private init(copying files: [String: Data]) throws {
        folder = try TemporaryFolder()
        for (name, contents) in files { try contents.write(to: URL(fileURLWithPath: "\(folder.path)/\(name)")) }
    }

    var ca: String { folder.path + "/ca.pem" }
    func certificate(_ name: String) -> String { folder.path + "/\(name).pem" }
    func key(_ name: String) -> String { folder.path + "/\(name)-key.pem" }

    func security(_ name: String) throws -> GRPCTransport.Security {
        try .mutualTLS(
            identity: Identity(certificateFile: certificate(name), keyFile: key(name)), trust: .roots(file: ca))
    }

    var serverSecurity: GRPCTransport.Security { get throws { try security("server") } }

    /// What the peers' programs take to be the client, or the server.
    var clientArguments: [String] { arguments("client") }
    var serverArguments: [String] { arguments("server") }

    private func arguments(_ name: String) -> [String] {
        ["--tls-ca", ca, "--tls-cert", certificate(name), "--tls-key", key(name)]
    }

    func remove() { folder.remove() }
}
