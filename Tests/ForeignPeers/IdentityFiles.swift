internal import Foundation
internal import NodeTransport
internal import Synchronization
package import TransportTLS

/// A certificate authority and two nodes' identities as files, for programs that read files.
package struct IdentityFiles {
    /// The contents of the files of each kind.
    private static let made = Mutex<[KeyType: [String: Data]]>([:])

    private let folder: TemporaryFolder

    package init(keyType: KeyType = .p256) throws {
        folder = try TemporaryFolder()
        for name in ["server", "client"] {
            _ = try DevelopmentCA.initialize(directory: folder.path, name: name, keyType: keyType)
        }
    }

    /// The same identities for all who ask for this kind: RSA keys take a second each.
    package static func shared(_ keyType: KeyType) throws -> IdentityFiles {
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

    package var path: String { folder.path }
    package var ca: String { folder.path + "/ca.pem" }
    package func certificate(_ name: String) -> String { folder.path + "/\(name).pem" }
    package func key(_ name: String) -> String { folder.path + "/\(name)-key.pem" }

    /// Who `name` is and whom it believes. `days` ago, which lets an identity be loaded that has expired since.
    package func configuration(_ name: String, daysAgo days: Int = 0) throws -> TLSConfiguration {
        try TLSConfiguration(
            identity: Identity(
                certificateFile: certificate(name), keyFile: key(name), now: WallTime.now.adding(days: -days)),
            trust: .roots(file: ca))
    }

    /// What the peers' programs take to be the client, or the server.
    package var clientArguments: [String] { arguments("client") }
    package var serverArguments: [String] { arguments("server") }

    /// An identity from the same authority whose time is over.
    package func addExpired(_ name: String) throws {
        let contents = { (path: String) in Bytes(try Data(contentsOf: URL(fileURLWithPath: path))) }
        let authority = try DevelopmentCA(
            certificatePEM: contents(ca), keyPEM: contents("\(folder.path)/ca-key.pem"))
        let now = WallTime.now
        let issued = try authority.issue(
            name: name, dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"], notBefore: now.adding(days: -3),
            notAfter: now.adding(days: -1))
        for (path, pem) in [(certificate(name), issued.certificatePEM), (key(name), issued.keyPEM)] {
            try Data(pem).write(to: URL(fileURLWithPath: path))
        }
    }

    /// What a peer's program takes to be `name`.
    package func arguments(_ name: String) -> [String] {
        ["--tls-ca", ca, "--tls-cert", certificate(name), "--tls-key", key(name)]
    }

    package func remove() { folder.remove() }
}
