internal import CNGTCP2
package import NodeTransport

/// Who this side is and how it judges the other: shared by all connections of one role.
///
/// The peer's certificates are judged by the verifier alone; GnuTLS checks only that the peer has the
/// key to its leaf.
// Sound: GnuTLS's credentials are not changed once they are made and may serve many sessions on many threads
// at a time; the filter of replays has a lock.
@safe
package final class QUICCredentials: @unchecked Sendable {
    package enum Role: Sendable {
        case client
        case server
    }

    /// What a server wants of its clients.
    package enum ClientCertificates: Int32, Sendable {
        case notRequested = 0
        /// Judged when one is shown.
        case requested = 1
        case required = 2
    }

    package enum Verdict {
        case accept
        /// The same, with what the verifier found out about the peer, which is kept in ``QUICConnection/verifiedPeer``.
        case acceptAs(any Sendable)
        /// The alert goes to the peer (RFC 8446 §6.2), the error into the connection's last event.
        case refuse(alert: UInt8, error: any Error)
    }

    /// Judges the chain the peer presented, DER, the leaf first. `serverName` is what the client asked for.
    ///
    /// It is called from within ``QUICEndpoint/receive(_:segmentBytes:ecn:path:now:)`` or
    /// ``QUICEndpoint/connect(to:serverName:session:token:now:)`` and must not call the engine.
    package typealias Verifier = @Sendable (_ presentedChain: [Bytes], _ serverName: String?) -> Verdict

    package struct Options: Sendable {
        package var role: Role
        /// DER, the leaf first.
        package var certificateChain: [Bytes] = []
        /// PKCS#8, DER, not encrypted.
        package var privateKey = Bytes()
        /// In order of preference, at least one.
        package var applicationProtocols: [String]
        package var clientCertificates = ClientCertificates.notRequested
        /// Server: sessions may be resumed. Never so where client certificates are asked for: GnuTLS 3.7 keeps
        /// no place for them in a ticket, and whoever resumes must be judged again.
        package var issuesTickets = true
        /// 0-RTT (RFC 8446 §8): a server takes it, a client offers it. The server holds replays off within
        /// one set of credentials only.
        package var allowsEarlyData = false

        package init(role: Role, applicationProtocols: [String]) {
            self.role = role
            self.applicationProtocols = applicationProtocols
        }
    }

    package let role: Role
    package let allowsEarlyData: Bool
    let verifier: Verifier
    let pointer: OpaquePointer

    /// - Throws: ``QUICError`` with ``QUICError/Code/credentials`` for a chain or key that GnuTLS does not take.
    package init(_ options: Options, verifier: @escaping Verifier) throws(QUICError) {
        guard !options.applicationProtocols.isEmpty else {
            throw QUICError(.credentials, "QUIC needs an application protocol")
        }
        if options.role == .server && options.certificateChain.isEmpty {
            throw QUICError(.credentials, "a server needs a certificate")
        }
        role = options.role
        allowsEarlyData = options.allowsEarlyData
        self.verifier = verifier
        let issuesTickets = options.issuesTickets && options.clientCertificates == .notRequested
        let protocols = options.applicationProtocols.map { Bytes(utf8: $0) }
        var what: UnsafePointer<CChar>?
        var error: Int32 = 0
        let made: OpaquePointer? = unsafe withVectors(options.certificateChain) { chain in
            unsafe withVectors(protocols) { alpn in
                unsafe options.privateKey.withUnsafeBytes { key in
                    var raw = unsafe cngtcp2_credentials_options()
                    unsafe raw.is_server = options.role == .server
                    unsafe raw.chain = chain.baseAddress
                    unsafe raw.chain_count = chain.count
                    unsafe raw.key = cngtcp2_vector(base: key.baseAddress, count: key.count)
                    unsafe raw.alpn = alpn.baseAddress
                    unsafe raw.alpn_count = alpn.count
                    unsafe raw.client_certificates = options.clientCertificates.rawValue
                    unsafe raw.issues_tickets = issuesTickets
                    unsafe raw.allows_early_data = options.allowsEarlyData
                    return unsafe cngtcp2_credentials_new(&raw, &what, &error)
                }
            }
        }
        guard let made = unsafe made else {
            let part = unsafe what.map { unsafe String(cString: $0) } ?? "credentials"
            let text = unsafe String(cString: cngtcp2_tls_error_text(error))
            throw QUICError(.credentials, "\(part): \(text)")
        }
        unsafe pointer = made
    }

    deinit {
        unsafe cngtcp2_credentials_free(pointer)
    }
}

/// Calls `body` with where the pieces lie.
private func withVectors<Result>(
    _ pieces: [Bytes], _ body: (UnsafeBufferPointer<cngtcp2_vector>) -> Result
) -> Result {
    // Sound: `pieces` keeps the slabs alive, and a slab does not move.
    let vectors = unsafe pieces.map { piece in
        unsafe piece.withUnsafeBytes { unsafe cngtcp2_vector(base: $0.baseAddress, count: $0.count) }
    }
    defer { withExtendedLifetime(pieces) {} }
    return unsafe vectors.withUnsafeBufferPointer { unsafe body($0) }
}
