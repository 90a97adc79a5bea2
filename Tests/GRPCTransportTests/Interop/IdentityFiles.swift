import Foundation
import GRPCTransport
import NodeTransport
import TransportTLS

/// A certificate authority and two nodes' identities as files, for programs that read files.
struct IdentityFiles {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for name in ["server", "client"] { _ = try DevelopmentCA.initialize(directory: folder.path, name: name) }
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
