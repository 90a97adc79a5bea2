import ForeignPeers
import GRPCTransport
import NodeTransport
import TransportTLS

/// What foreign programs are tried with: each kind of key, with and without a client's certificate.
struct ForeignKeys: Sendable, CustomStringConvertible {
    let keyType: KeyType
    let isMutual: Bool

    var description: String { "\(keyType), \(isMutual ? "mutual" : "one-way")" }

    static let keyTypes: [KeyType] = [.rsa2048, .rsa3072, .rsaPSS2048, .p256, .p384, .p521, .ed25519]
    static let all = keyTypes.flatMap { [ForeignKeys($0, isMutual: false), ForeignKeys($0, isMutual: true)] }

    init(_ keyType: KeyType, isMutual: Bool) {
        self.keyType = keyType
        self.isMutual = isMutual
    }

    /// Makes the files, and a listener with the server's; removes both.
    func withListener(
        _ minimumVersion: TLSVersion = .tls13, _ body: (RefusalRig, IdentityFiles) async throws -> Void
    ) async throws {
        let keyType = keyType
        // RSA keys take their time.
        let files = try await blocking { try IdentityFiles.shared(keyType) }
        defer { files.remove() }
        let configuration = TLSConfiguration(
            identity: try Identity(certificateFile: files.certificate("server"), keyFile: files.key("server")),
            trust: try Trust.roots(file: files.ca), clientAuthentication: isMutual ? .required : .none,
            minimumVersion: minimumVersion)
        try await RefusalRig.run(.tls(configuration)) { try await body($0, files) }
    }
}
