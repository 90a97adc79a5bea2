internal import COpenSSL
internal import NodeTransport

/// What all sessions of one side of one transport share; made once.
///
/// `@unchecked Sendable` is sound: the context is not changed after `init`, and OpenSSL lets any number
/// of threads make sessions from one context.
@safe
package final class TLSContext: @unchecked Sendable {
    /// The side of the connection that a session stands on.
    package enum Role: Sendable, Hashable {
        case client, server
    }

    /// Valid as long as this object is.
    let handle: OpaquePointer
    package let role: Role
    let verifier: CertificateVerifier
    let nameCheck: NameCheck
    let applicationProtocols: [String]
    let requiresPeerCertificate: Bool

    /// - Parameters:
    ///   - configuration: Who we are and whom we believe.
    ///   - role: The side that sessions of this context stand on.
    ///   - maximumVersion: The newest version that is spoken; tests play older peers with it.
    /// - Throws: ``TLSError`` when the configuration cannot be used by this side.
    package init(
        _ configuration: TLSConfiguration,
        role: Role,
        maximumVersion: TLSVersion = .tls13
    ) throws(TLSError) {
        verifier = try CertificateVerifier(trust: configuration.trust)
        nameCheck = configuration.trust.nameCheck
        applicationProtocols = configuration.applicationProtocols
        requiresPeerCertificate = role == .client || configuration.clientAuthentication.isRequired
        self.role = role
        guard let handle = unsafe SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method()) else {
            throw OpenSSLError.failure("making a TLS context")
        }
        unsafe self.handle = handle

        let (oldest, newest) = (Int32(configuration.minimumVersion.number), Int32(maximumVersion.number))
        guard unsafe copenssl_context_prepare(handle, oldest, newest) else {
            throw OpenSSLError.failure("setting up a TLS context")
        }
        try use(configuration.identity)
        try useApplicationProtocols()
        let mode = SSL_VERIFY_PEER | (role == .server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
        unsafe SSL_CTX_set_verify(handle, requiresPeerCertificate ? mode : SSL_VERIFY_NONE, nil)
        unsafe SSL_CTX_set_cert_verify_callback(handle, verifyPeerCertificate, nil)
        if role == .server, requiresPeerCertificate { nameRoots(of: configuration.trust) }
        ERR_clear_error()
    }

    deinit { unsafe SSL_CTX_free(handle) }

    private func use(_ identity: Identity?) throws(TLSError) {
        guard let identity else {
            guard role == .client else { throw TLSError(.invalidConfiguration, "a TLS server needs an identity") }
            return
        }
        // OpenSSL would not show what it would not accept.
        if identity.isUnchecked { unsafe SSL_CTX_set_security_level(handle, 0) }
        for (index, der) in identity.chain.enumerated() {
            guard let certificate = Certificate(der: der) else { throw OpenSSLError.failure("reading a certificate") }
            let isUsed =
                index == 0
                ? unsafe SSL_CTX_use_certificate(handle, certificate.handle) == 1
                : unsafe copenssl_context_add_chain_certificate(handle, certificate.handle)
            guard isUsed else { throw unusable(certificate) }
        }
        guard unsafe SSL_CTX_use_PrivateKey(handle, identity.key.handle) == 1,
            unsafe SSL_CTX_check_private_key(handle) == 1
        else { throw OpenSSLError.failure("using the private key of \(identity.subject)") }
    }

    private func unusable(_ certificate: Certificate) -> TLSError {
        let reason = OpenSSLError.takeAll().last?.text ?? "unknown reason"
        return TLSError(.unsupportedKey, "certificate \(certificate.subject) cannot be used for TLS: \(reason)")
    }

    private func useApplicationProtocols() throws(TLSError) {
        guard !applicationProtocols.isEmpty else { return }
        var list: [UInt8] = []
        for name in applicationProtocols {
            guard let length = UInt8(exactly: name.utf8.count), length > 0 else {
                throw TLSError(.invalidConfiguration, "an application protocol's name has 1 to 255 bytes")
            }
            list.append(length)
            list += Array(name.utf8)
        }
        guard unsafe copenssl_context_set_alpn(handle, role == .server, list, list.count) else {
            throw OpenSSLError.failure("setting the application protocols")
        }
    }

    /// Tells clients which authorities we accept, so that one with several certificates can choose.
    private func nameRoots(of trust: Trust) {
        guard case .roots(let roots) = trust.source, roots.count <= 32 else { return }
        for root in roots {
            guard let certificate = Certificate(der: root) else { continue }
            unsafe SSL_CTX_add_client_CA(handle, certificate.handle)
        }
    }
}

/// Called by libssl in the middle of a handshake, on the thread that drives the session.
private func verifyPeerCertificate(_ verification: OpaquePointer?, _ unused: UnsafeMutableRawPointer?) -> Int32 {
    guard
        let verification = unsafe verification,
        let handle = unsafe copenssl_session_of_verification(verification),
        let pointer = unsafe SSL_get_ex_data(handle, TLSSession.slot)
    else { return 0 }
    // Sound: the session put itself there, owns the handle, and is alive, for it is inside a call of OpenSSL.
    let session = unsafe Unmanaged<TLSSession>.fromOpaque(pointer).takeUnretainedValue()
    // The presented chain, leaf first; borrowed, so each certificate takes a reference of its own.
    let presented = unsafe X509_STORE_CTX_get0_untrusted(verification)
    var certificates: [Certificate] = []
    for index in 0..<(unsafe copenssl_certificates_count(presented)) {
        guard
            let certificate = unsafe copenssl_certificates_at(presented, index),
            let shared = unsafe Certificate(sharing: certificate)
        else { return 0 }
        certificates.append(shared)
    }
    let code = session.judge(certificates)
    unsafe X509_STORE_CTX_set_error(verification, code)
    return code == X509_V_OK ? 1 : 0
}
