internal import COpenSSL
internal import NodeTransport

/// What all sessions of one side of one transport share, for as long as the credentials stay the same.
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
    package let credentials: Credentials
    let verifier: CertificateVerifier
    /// What ``verifier`` has accepted.
    let verdicts = VerdictCache()
    let applicationProtocols: [String]
    /// The tickets of servers; `nil` when sessions are not resumed.
    let tickets: TicketCache?

    /// The state of the credentials that this context is made from.
    let generation: Int

    private let nameCheck: NameCheck

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
        credentials = configuration.credentials
        let current = credentials.snapshot
        generation = current.generation
        verifier = try CertificateVerifier(trust: current.trust, revoked: current.revoked)
        nameCheck = role == .client ? current.trust.nameCheck : current.trust.clientNameCheck
        applicationProtocols = configuration.applicationProtocols
        self.role = role
        let resumes = configuration.resumesSessions && configuration.minimumVersion >= .tls13
        tickets = resumes && role == .client ? TicketCache() : nil
        guard role == .client || nameCheck != .endpointHost else {
            throw TLSError(.invalidConfiguration, "a client has no endpoint whose host its certificate could be for")
        }
        guard let handle = unsafe SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method()) else {
            throw OpenSSLError.failure("making a TLS context")
        }
        unsafe self.handle = handle

        let (oldest, newest) = (Int32(configuration.minimumVersion.number), Int32(maximumVersion.number))
        guard unsafe copenssl_context_prepare(handle, oldest, newest) else {
            throw OpenSSLError.failure("setting up a TLS context")
        }
        try use(current.identity)
        try useApplicationProtocols()
        let asks = role == .client || configuration.clientAuthentication.isAsked
        let demands = role == .server && configuration.clientAuthentication.isRequired
        let mode = SSL_VERIFY_PEER | (demands ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
        unsafe SSL_CTX_set_verify(handle, asks ? mode : SSL_VERIFY_NONE, nil)
        unsafe SSL_CTX_set_cert_verify_callback(handle, verifyPeerCertificate, nil)
        if role == .server, asks { nameRoots(of: current.trust) }
        if resumes { try useTickets() }
        ERR_clear_error()
    }

    deinit { unsafe SSL_CTX_free(handle) }

    /// What to expect of the peer at `host`; `nil` for no name.
    func expectedName(host: String?) -> ExpectedName? { nameCheck.expectedName(host: host) }

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

    private func useTickets() throws(TLSError) {
        switch role {
        case .client: unsafe copenssl_context_collect_tickets(handle, collectTicket)
        case .server:
            guard unsafe copenssl_context_issue_tickets(handle, fillTicket, judgeTicket) else {
                throw OpenSSLError.failure("setting up the resumption of sessions")
            }
        }
    }
}

/// The session behind a handle, during a call of OpenSSL.
private func session(of handle: OpaquePointer?) -> TLSSession? {
    guard let handle = unsafe handle, let pointer = unsafe SSL_get_ex_data(handle, TLSSession.slot) else { return nil }
    // Sound: the session put itself there, owns the handle, and is alive, for it is inside a call of OpenSSL.
    return unsafe Unmanaged<TLSSession>.fromOpaque(pointer).takeUnretainedValue()
}

/// Called by libssl in the middle of a handshake, on the thread that drives the session.
private func verifyPeerCertificate(_ verification: OpaquePointer?, _ unused: UnsafeMutableRawPointer?) -> Int32 {
    guard
        let verification = unsafe verification,
        let session = unsafe session(of: copenssl_session_of_verification(verification))
    else { return 0 }
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

/// Called before a ticket is encrypted: puts the client's certificates into it.
private func fillTicket(_ handle: OpaquePointer?, _ unused: UnsafeMutableRawPointer?) -> Int32 {
    guard let session = unsafe session(of: handle), let ticket = unsafe SSL_get_session(handle) else { return 1 }
    let contents = session.ticketContents.encoded
    // A ticket without contents is one that will not be taken back.
    unsafe contents.withUnsafeBytes { _ = unsafe SSL_SESSION_set1_ticket_appdata(ticket, $0.baseAddress, $0.count) }
    return 1
}

/// Called when a client shows a ticket: judges the certificates in it anew.
private func judgeTicket(
    _ handle: OpaquePointer?,
    _ ticket: OpaquePointer?,
    _ name: UnsafePointer<UInt8>?,
    _ nameCount: Int,
    _ status: SSL_TICKET_STATUS,
    _ unused: UnsafeMutableRawPointer?
) -> SSL_TICKET_RETURN {
    // Not resumed means a full handshake, in which an honest client fares no worse.
    let refusal = SSL_TICKET_RETURN_IGNORE_RENEW
    guard
        status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW,
        let session = unsafe session(of: handle)
    else { return refusal }
    var start: UnsafeMutableRawPointer?
    var count = 0
    guard
        unsafe SSL_SESSION_get0_ticket_appdata(ticket, &start, &count) == 1,
        let contents = unsafe TicketContents(UnsafeRawBufferPointer(start: start, count: count)),
        session.takesBack(contents)
    else { return refusal }
    return SSL_TICKET_RETURN_USE_RENEW
}

/// Called when a server has sent a ticket; answers that no reference was taken.
private func collectTicket(_ handle: OpaquePointer?, _ ticket: OpaquePointer?) -> Int32 {
    if let session = unsafe session(of: handle), let ticket = unsafe ticket { unsafe session.keep(ticket) }
    return 0
}
