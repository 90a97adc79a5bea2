internal import COpenSSL
package import NodeTransport

/// One TLS connection as a machine over memory: ciphertext and plaintext in, plaintext and ciphertext out.
///
/// It knows no socket and no clock. Confined to its connection's event loop; not re-entrant. The driver
///
/// 1. calls ``advanceHandshake()`` once at the start and after every ``receive(_:)`` until it is complete,
/// 2. then ``read(into:)`` until it would block after every ``receive(_:)``, and ``write(_:)`` at will,
/// 3. and after each of these, also after one that threw, sends what ``withOutput(_:)`` lends.
///
/// A session that threw is at its end: it throws the same error again. An alert that tells the peer why is
/// in the output by then.
///
/// Nothing bounds the output but the driver: it stops to write, and to receive (a peer can provoke small
/// answers), while ``outputBytes`` is above its limit.
@safe
package final class TLSSession {
    /// Whether application data can flow.
    package enum HandshakeState: Sendable, Hashable {
        case inProgress, complete
    }

    /// What a read brought.
    package enum Read: Sendable, Hashable {
        /// So many bytes, at least one.
        case bytes(Int)
        /// More ciphertext is needed first.
        case wouldBlock
        /// The peer has ended its direction (`close_notify`); nothing more will come.
        case closed
    }

    /// Where a handle keeps the pointer to its session.
    static let slot: Int32 = 0

    private let handle: OpaquePointer
    private let io: UnsafeMutablePointer<copenssl_io>
    private let context: TLSContext
    private let expectedName: ExpectedName?
    private let now: WallTime
    private var refusal: TLSError?
    private var failure: TLSError?
    private var isComplete = false

    /// The peer whose certificates were shown in this handshake.
    private var accepted: CertificateVerifier.Acceptance?
    /// The peer of the session that is to be resumed; counts only if it is.
    private var returning: CertificateVerifier.Acceptance?
    /// Under which a client keeps the tickets of its server.
    private let server: String?

    /// - Parameters:
    ///   - context: Decides the side and everything else that sessions share.
    ///   - host: The host that a client connects to: sent as server name if it is a DNS name, and checked
    ///     as the trust's name check says. Of no use to a server.
    ///   - server: What tells a client's servers apart, to resume a session with the same; `nil` to begin anew.
    ///   - now: What the validity of the peer's certificate is measured with.
    /// - Throws: ``TLSError`` when OpenSSL has no memory, or `host` cannot be a name.
    package init(
        context: TLSContext,
        host: String? = nil,
        server: String? = nil,
        now: WallTime
    ) throws(TLSError) {
        let isServer = context.role == .server
        var io: UnsafeMutablePointer<copenssl_io>?
        guard let handle = unsafe copenssl_session_new(context.handle, isServer, &io), let io = unsafe io else {
            throw OpenSSLError.failure("making a TLS session")
        }
        unsafe self.handle = handle
        unsafe self.io = io
        self.context = context
        self.now = now
        self.server = server
        expectedName = context.expectedName(host: host)
        // Sound: unretained, because the session owns the handle and frees it in deinit.
        unsafe SSL_set_ex_data(handle, Self.slot, Unmanaged.passUnretained(self).toOpaque())
        guard !isServer, let host else { return }
        if case .dns(let name) = ExpectedName(host), !name.isEmpty {
            guard unsafe copenssl_session_set_server_name(handle, name) else {
                throw TLSError(.invalidConfiguration, "\(name) cannot be a server name")
            }
        }
        resume()
    }

    deinit {
        // Frees the buffers behind `io`, too.
        unsafe SSL_free(handle)
    }

    // MARK: Handshake

    /// Goes on with the handshake as far as the ciphertext at hand allows.
    package func advanceHandshake() throws(TLSError) -> HandshakeState {
        if let failure { throw failure }
        if isComplete { return .complete }
        ERR_clear_error()
        let result = unsafe SSL_do_handshake(handle)
        guard result == 1 else {
            guard try needsMore(after: result) else {
                throw fail(TLSError(.sessionClosed, "the peer closed the session"))
            }
            return .inProgress
        }
        if !context.applicationProtocols.isEmpty, negotiatedALPN == nil {
            close()
            let wanted = context.applicationProtocols.joined(separator: ", ")
            throw fail(TLSError(.noApplicationProtocol, "the peer chose no application protocol; ours: \(wanted)"))
        }
        isComplete = true
        if !isResumed { returning = nil }
        if auditFinding != nil { context.credentials.countAuditedMismatch() }
        return .complete
    }

    /// Decides about the peer's certificates; returns OpenSSL's verification code.
    func judge(_ presented: [Certificate]) -> Int32 {
        switch verdict(presented) {
        case .success(let acceptance):
            accepted = acceptance
            return X509_V_OK
        case .failure(let reason):
            refusal = reason.error
            return reason.code
        }
    }

    private func verdict(
        _ presented: [Certificate]
    ) -> Result<CertificateVerifier.Acceptance, VerificationRefusal> {
        let question = VerdictCache.Question(chain: presented.map(\.der), expectedName: expectedName)
        if let known = context.verdicts.acceptance(question, now: now) { return .success(known) }
        let side: CertificateVerifier.Side = context.role == .client ? .server : .client
        let verdict = context.verifier.judge(presented, of: side, expectedName: expectedName, now: now)
        if case .success(let acceptance) = verdict { context.verdicts.keep(acceptance, for: question) }
        return verdict
    }

    // MARK: Resumption
    //
    // Tickets belong to one context, and so to one state of the credentials: what has been accepted once is accepted again
    // as long as its certificates are valid. Only an auditing trust is asked again, for its findings.

    /// A client's side: offers the last ticket of the server, if its certificates are still valid.
    private func resume() {
        guard let server, let ticket = context.tickets?.take(for: server) else { return }
        guard ticket.acceptance.validity.contains(now), unsafe SSL_set_session(handle, ticket.handle) == 1 else {
            return ERR_clear_error()
        }
        returning = ticket.acceptance
    }

    /// A server's side: whether the client of a session that is to be resumed is accepted now.
    func takesBack(_ contents: TicketContents) -> Bool {
        returning = nil
        guard contents.validity.contains(now) else { return false }
        guard let der = contents.chain.first else {
            // A client that had no certificate then, where none is required now either.
            return unsafe SSL_get_verify_mode(handle) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT == 0
        }
        if context.verifier.isAuditing {
            let certificates = contents.chain.compactMap { Certificate(der: $0) }
            guard certificates.count == contents.chain.count, case .success(let verdict) = verdict(certificates) else {
                return false
            }
            returning = verdict
        } else {
            guard
                let leaf = Certificate(der: der),
                let peer = context.verifier.identity(of: leaf, chain: contents.chain)
            else { return false }
            returning = CertificateVerifier.Acceptance(peer: peer, finding: nil, validity: contents.validity)
        }
        return true
    }

    /// What goes into a ticket for the client.
    var ticketContents: TicketContents {
        let always = CertificateVerifier.Validity(
            from: WallTime(secondsSince1970: .min),
            until: WallTime(secondsSince1970: .max)
        )
        return TicketContents(validity: acceptance?.validity ?? always, chain: acceptance?.peer.chain ?? [])
    }

    /// Keeps a copy of a ticket that the server has sent.
    func keep(_ handle: OpaquePointer) {
        guard let server, let tickets = context.tickets, let acceptance else { return }
        // The session's own would be spoilt when the connection ends without close_notify, as TLS 1.3 no longer asks for.
        guard let copy = unsafe SSL_SESSION_dup(handle) else { return ERR_clear_error() }
        unsafe tickets.put(Ticket(owning: copy, acceptance: acceptance), for: server)
    }

    // MARK: Ciphertext in

    /// Takes a copy of ciphertext that arrived.
    package func receive(_ ciphertext: UnsafeRawBufferPointer) throws(TLSError) {
        try unsafe receive(ciphertext) { () throws(TLSError) in }
    }

    /// Lends ciphertext that arrived for the length of `body`.
    ///
    /// In it ``advanceHandshake()`` and ``read(into:)`` take it without a copy; what they leave is copied
    /// at the end, also when `body` throws.
    ///
    /// - Precondition: Not called within its own `body`.
    package func receive<Result>(
        _ ciphertext: UnsafeRawBufferPointer,
        _ body: () throws(TLSError) -> Result
    ) throws(TLSError) -> Result {
        if let failure { throw failure }
        precondition(unsafe io.pointee.input == nil, "receive is not re-entrant")
        unsafe copenssl_io_lend(io, ciphertext.baseAddress?.assumingMemoryBound(to: UInt8.self), ciphertext.count)
        var isKept = true
        defer {
            if !isKept { _ = fail(TLSError(.internalFailure, "no memory for \(ciphertext.count) bytes of ciphertext")) }
        }
        defer { isKept = unsafe copenssl_io_reclaim(io) }
        return try body()
    }

    /// How many bytes of ciphertext were received and not yet taken up.
    package var unreadBytes: Int { unsafe io.pointee.pending_end - io.pointee.pending_start + io.pointee.input_count }

    // MARK: Plaintext

    /// Decrypts into `buffer`, as many whole or part records as fit.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(TLSError) -> Read {
        if let failure { throw failure }
        guard isComplete else { throw TLSError(.sessionClosed, "the handshake is not complete") }
        guard var place = buffer.baseAddress, buffer.count > 0 else { return .wouldBlock }
        var total = 0
        while total < buffer.count {
            ERR_clear_error()
            var count = 0
            let result = unsafe SSL_read_ex(handle, place, buffer.count - total, &count)
            guard result == 1 else {
                do throws(TLSError) {
                    let isOpen = try needsMore(after: result)
                    if total == 0 { return isOpen ? .wouldBlock : .closed }
                } catch {
                    // What came before the fault is good; the next call throws.
                    if total == 0 { throw error }
                }
                break
            }
            total += count
            unsafe place += count
        }
        return .bytes(total)
    }

    /// Encrypts all of `plaintext` into the output.
    ///
    /// The output's buffer is kept up to 64 KiB: a driver that writes and sends in pieces of 48 KiB
    /// causes no allocation.
    package func write(_ plaintext: UnsafeRawBufferPointer) throws(TLSError) {
        if let failure { throw failure }
        guard isComplete else { throw TLSError(.sessionClosed, "the handshake is not complete") }
        guard plaintext.count > 0 else { return }
        ERR_clear_error()
        guard unsafe copenssl_io_reserve(io, plaintext.count) else {
            throw fail(TLSError(.internalFailure, "no memory to encrypt \(plaintext.count) bytes"))
        }
        var written = 0
        let result = unsafe SSL_write_ex(handle, plaintext.baseAddress, plaintext.count, &written)
        guard result == 1, written == plaintext.count else {
            _ = try needsMore(after: result)
            // The output takes everything, so a session that wants to wait is one that is closed.
            throw fail(TLSError(.sessionClosed, "the session is closed for writing"))
        }
    }

    /// Ends our direction: puts `close_notify` into the output; reading may go on.
    package func close() {
        guard failure == nil else { return }
        ERR_clear_error()
        unsafe SSL_shutdown(handle)
        ERR_clear_error()
    }

    // MARK: Ciphertext out

    /// How many bytes of ciphertext wait to be sent.
    package var outputBytes: Int { unsafe io.pointee.output_end - io.pointee.output_start }

    /// Lends the ciphertext that waits, and drops as many bytes of it as `body` says were sent.
    ///
    /// - Precondition: `body` returns a number within `0...outputBytes` and does not use the session.
    package func withOutput<Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        let start = unsafe io.pointee.output.map { unsafe UnsafeRawPointer($0) + io.pointee.output_start }
        let count = outputBytes
        let sent = try unsafe body(UnsafeRawBufferPointer(start: start, count: count))
        precondition(sent >= 0 && sent <= count, "more bytes reported than lent")
        unsafe copenssl_io_consume(io, sent)
    }

    /// Gives back the memory of empty buffers; for connections that have been quiet for a while.
    package func releaseIdleMemory() {
        unsafe copenssl_io_release(io)
    }

    // MARK: What was negotiated

    /// Who the peer is; `nil` until the handshake is complete, and for a client that had to show nothing.
    package var peer: PeerIdentity? { isComplete ? acceptance?.peer : nil }

    /// Whether the peer's certificate or key has been revoked since it was accepted.
    package var isPeerRevoked: Bool { peer.map(context.credentials.isRevoked) ?? false }

    /// What would have refused the peer, were its pins not merely audited.
    package var auditFinding: TLSError? { acceptance?.finding }

    private var acceptance: CertificateVerifier.Acceptance? { isResumed ? returning : accepted }

    /// Whether the session goes on from an earlier one, without certificates in its handshake.
    package var isResumed: Bool { unsafe SSL_session_reused(handle) == 1 }

    /// The application protocol, once the handshake is complete and if there is one.
    package var negotiatedALPN: String? {
        var start: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(handle, &start, &count)
        guard let start = unsafe start, count > 0 else { return nil }
        return unsafe String(decoding: UnsafeBufferPointer(start: start, count: Int(count)), as: UTF8.self)
    }

    /// The version that is spoken.
    package var version: TLSVersion { unsafe TLSVersion(number: UInt16(truncatingIfNeeded: SSL_version(handle))) }

    /// The cipher suite: `TLS_AES_128_GCM_SHA256`.
    package var cipher: String? {
        guard let cipher = unsafe SSL_get_current_cipher(handle) else { return nil }
        return unsafe SSL_CIPHER_get_name(cipher).map { unsafe String(cString: $0) }
    }

    /// The group of the key exchange: `x25519`.
    package var group: String? {
        unsafe copenssl_session_group_name(handle).map { unsafe String(cString: $0) }
    }

    // MARK: Failures

    /// After a call that did not succeed: true when more ciphertext is needed, false at the peer's end.
    private func needsMore(after result: Int32) throws(TLSError) -> Bool {
        switch unsafe SSL_get_error(handle, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return true
        case SSL_ERROR_ZERO_RETURN: return false
        default: break
        }
        let entries = OpenSSLError.takeAll()
        let isMissingALPN = unsafe io.pointee.is_missing_alpn
        throw fail(
            refusal ?? SessionFailure.error(for: entries, role: context.role, isMissingALPN: isMissingALPN)
        )
    }

    private func fail(_ error: TLSError) -> TLSError {
        failure = error
        return error
    }
}
