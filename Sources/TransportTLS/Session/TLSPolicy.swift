package import NodeTransport

/// What a TLS library other than OpenSSL is told for one side of one transport: who we are, and, through the one
/// verifier, whom we believe. A value of one moment; a new one is made when the credentials have changed.
package struct TLSPolicy: Sendable {
    /// How a chain was judged.
    package enum Verdict: Sendable {
        case accepted(CertificateVerifier.Acceptance)
        /// With the alert that tells the peer (RFC 8446 §6.2).
        case refused(TLSError, TLSAlert)
    }

    /// The number of changes of the credentials at the time.
    package let generation: Int
    package let identity: Identity?
    /// Whether a server asks its clients for a certificate, and whether it takes none for an answer.
    package let asksClients: Bool
    package let requiresClients: Bool

    private let verifier: CertificateVerifier
    private let verdicts = VerdictCache()
    private let nameCheck: NameCheck
    private let role: TLSContext.Role

    /// - Throws: ``TLSError`` when the configuration cannot be used by this side.
    package init(_ configuration: TLSConfiguration, role: TLSContext.Role) throws(TLSError) {
        let current = configuration.credentials.snapshot
        generation = current.generation
        identity = current.identity
        asksClients = configuration.clientAuthentication.isAsked
        requiresClients = configuration.clientAuthentication.isRequired
        verifier = try CertificateVerifier(trust: current.trust, revoked: current.revoked)
        nameCheck = role == .client ? current.trust.nameCheck : current.trust.clientNameCheck
        self.role = role
        guard role == .client || current.identity != nil else {
            throw TLSError(.invalidConfiguration, "a TLS server needs an identity")
        }
        guard role == .client || nameCheck != .endpointHost else {
            throw TLSError(.invalidConfiguration, "a client has no endpoint whose host its certificate could be for")
        }
    }

    /// Judges the chain that the peer presented: DER, leaf first.
    ///
    /// - Parameter host: The host that a client connects to.
    package func judge(_ chain: [Bytes], host: String?, now: WallTime) -> Verdict {
        let question = VerdictCache.Question(
            chain: chain, expectedName: nameCheck.expectedName(host: role == .client ? host : nil))
        if let known = verdicts.acceptance(question, now: now) { return .accepted(known) }
        var certificates: [Certificate] = []
        for (index, der) in chain.prefix(CertificateVerifier.maximumChainCount + 1).enumerated() {
            guard let certificate = Certificate(der: der) else {
                let message = "certificate verification failed: certificate \(index) is not an X.509 certificate"
                return .refused(TLSError(.malformedCertificate, message), .badCertificate)
            }
            certificates.append(certificate)
        }
        let side: CertificateVerifier.Side = role == .client ? .server : .client
        switch verifier.judge(certificates, of: side, expectedName: question.expectedName, now: now) {
        case .success(let acceptance):
            verdicts.keep(acceptance, for: question)
            return .accepted(acceptance)
        case .failure(let refusal): return .refused(refusal.error, refusal.alert)
        }
    }

    /// What went wrong on this side, by the alert that its TLS library sends.
    package func failure(sending alert: TLSAlert, reason: String) -> TLSError {
        SessionFailure.error(sending: alert, role: role, reason: reason)
    }
}

extension TLSError {
    /// The peer ended the handshake with `alert`.
    package init(peerAlert alert: TLSAlert) {
        let meaning = alert.meaning.map { ": \($0)" } ?? ""
        self.init(.peerAlert, "the peer ended the session with the alert '\(alert)'\(meaning)", alert: alert)
    }
}
