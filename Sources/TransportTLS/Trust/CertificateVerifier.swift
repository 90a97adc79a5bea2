internal import COpenSSL
package import NodeTransport

/// The one place where a peer's certificate chain is judged, for every wire.
///
/// A pure function of the presented chain, the trust, the side, the expected name and the time: it reads
/// no clock and keeps nothing from one call to the next. Any number of threads may use one value.
package struct CertificateVerifier: Sendable {
    /// The side of the connection that shows the certificate.
    package enum Side: Sendable, Hashable {
        case server, client
    }

    /// A peer that is accepted.
    package struct Acceptance: Sendable {
        /// Who the peer is, with the chain that was validated.
        package var peer: PeerIdentity
        /// What would have refused the peer, were its pins not merely audited.
        package var finding: TLSError?
        /// While every certificate of the validated chain is valid: with the same trust the verdict is the same so long.
        package var validity: Validity
    }

    /// From one second to another, both included.
    package struct Validity: Sendable, Hashable {
        var from: WallTime
        var until: WallTime

        func contains(_ time: WallTime) -> Bool { from <= time && time <= until }
    }

    private let trust: Trust
    private let revoked: Set<Pin>
    /// No authority is asked.
    private let isByPinAlone: Bool
    private let store: TrustStore

    /// No chain that anybody uses is longer.
    static let maximumChainCount = 10

    /// - Parameters:
    ///   - trust: Whom to believe.
    ///   - revoked: Certificates and keys that no validated chain may hold, whoever vouches for them.
    /// - Throws: ``TLSError`` when the roots cannot be taken, or nothing could ever be accepted.
    package init(trust: Trust, revoked: Set<Pin> = []) throws(TLSError) {
        isByPinAlone = if case .pins = trust.source { true } else { false }
        guard !isByPinAlone || !trust.pins.isEmpty else {
            throw TLSError(.invalidConfiguration, "a trust in pins alone needs at least one pin")
        }
        store = try TrustStore(trust)
        self.trust = trust
        self.revoked = revoked
    }

    /// Judges a chain that a peer presented.
    ///
    /// - Parameters:
    ///   - chain: DER as presented, leaf first.
    ///   - side: The side that presented it.
    ///   - expectedName: The name that the leaf must be for; `nil` for any.
    ///   - now: What validity is measured with.
    /// - Returns: The peer, and what an audit of pins found.
    /// - Throws: ``TLSError`` that says which certificate is refused and why.
    package func verify(
        chain: [Bytes],
        of side: Side,
        expectedName: ExpectedName?,
        now: WallTime
    ) throws(TLSError) -> Acceptance {
        var certificates: [Certificate] = []
        for (index, der) in chain.prefix(Self.maximumChainCount + 1).enumerated() {
            guard let certificate = Certificate(der: der) else {
                let message = "certificate verification failed: certificate \(index) is not an X.509 certificate"
                throw TLSError(.malformedCertificate, message)
            }
            certificates.append(certificate)
        }
        switch judge(certificates, of: side, expectedName: expectedName, now: now) {
        case .success(let acceptance): return acceptance
        case .failure(let refusal): throw refusal.error
        }
    }

    /// The same for certificates that are parsed already.
    func judge(
        _ presented: [Certificate],
        of side: Side,
        expectedName: ExpectedName?,
        now: WallTime
    ) -> Result<Acceptance, VerificationRefusal> {
        defer { ERR_clear_error() }
        guard let leaf = presented.first else { return .failure(.noCertificate) }
        guard presented.count <= Self.maximumChainCount else { return .failure(.chainTooLong(presented.count)) }
        let validated =
            isByPinAlone
            ? validatePinned(leaf, of: side, expectedName: expectedName, now: now)
            : validate(presented, store: store, of: side, expectedName: expectedName, now: now)
        return validated.flatMap { chain in
            if let refusal = ownRules(chain, of: side) ?? nameRules(chain[0], expectedName) { return .failure(refusal) }
            if let depth = chain.firstIndex(where: { revoked.contain(anyOf: [$0]) }) {
                return .failure(.revoked(depth, chain[depth]))
            }
            let isPinned = trust.pins.isEmpty || trust.pins.contain(anyOf: chain)
            if !isPinned, trust.pinningMode.isEnforced { return .failure(.notPinned(chain)) }
            guard let peer = identity(of: chain[0], chain: chain.map(\.der)) else {
                return .failure(.unusable(0, leaf, "cannot be encoded"))
            }
            let finding = isPinned ? nil : VerificationRefusal.notPinned(chain).error
            return .success(Acceptance(peer: peer, finding: finding, validity: validity(of: chain)))
        }
    }

    /// Whether the verdict on a chain can be other at another time than by its validity.
    var isAuditing: Bool { !trust.pins.isEmpty && !trust.pinningMode.isEnforced }

    private func validity(of chain: [Certificate]) -> Validity {
        let never = WallTime(secondsSince1970: .max)
        return Validity(
            from: chain.map { $0.notBefore ?? never }.max() ?? never,
            until: chain.map { $0.notAfter ?? WallTime(secondsSince1970: .min) }.min() ?? never
        )
    }

    /// Who the owner of a chain is that this verifier has validated.
    func identity(of leaf: Certificate, chain: [Bytes]) -> PeerIdentity? {
        guard let fingerprint = leaf.fingerprint, let publicKeyFingerprint = leaf.publicKeyFingerprint else {
            return nil
        }
        let areNamesVouchedFor = !isByPinAlone || trust.pins.contains(.certificate(fingerprint))
        return PeerIdentity(
            names: areNamesVouchedFor ? leaf.names : [],
            commonName: leaf.commonName,
            fingerprint: fingerprint,
            publicKeyFingerprint: publicKeyFingerprint,
            chain: chain
        )
    }

    /// A leaf that is its own authority, because it is pinned.
    private func validatePinned(
        _ leaf: Certificate,
        of side: Side,
        expectedName: ExpectedName?,
        now: WallTime
    ) -> Result<[Certificate], VerificationRefusal> {
        // First, for it says most: everything else about an unknown certificate is of no interest.
        guard trust.pins.contain(anyOf: [leaf]) else { return .failure(.notPinned([leaf])) }
        guard let store = TrustStore(trusting: leaf) else { return .failure(.outOfMemory) }
        return validate([leaf], store: store, of: side, expectedName: expectedName, now: now).map { _ in [leaf] }
    }

    /// Chain building and RFC 5280, by OpenSSL: the validated chain, leaf first, root last.
    private func validate(
        _ presented: [Certificate],
        store: TrustStore,
        of side: Side,
        expectedName: ExpectedName?,
        now: WallTime
    ) -> Result<[Certificate], VerificationRefusal> {
        guard let context = unsafe X509_STORE_CTX_new() else { return .failure(.outOfMemory) }
        defer { unsafe X509_STORE_CTX_free(context) }
        guard let untrusted = unsafe copenssl_certificates_new() else { return .failure(.outOfMemory) }
        defer { unsafe copenssl_certificates_free(untrusted) }
        for certificate in presented.dropFirst() {
            guard unsafe copenssl_certificates_add(untrusted, certificate.handle) else { return .failure(.outOfMemory) }
        }
        guard
            unsafe X509_STORE_CTX_init(context, store.handle, presented[0].handle, untrusted) == 1,
            let parameters = unsafe X509_STORE_CTX_get0_param(context),
            unsafe configure(parameters, side: side, expectedName: expectedName, now: now)
        else { return .failure(.outOfMemory) }

        guard unsafe X509_verify_cert(context) == 1 else {
            let code = unsafe X509_STORE_CTX_get_error(context)
            let depth = unsafe Int(X509_STORE_CTX_get_error_depth(context))
            let blamed = unsafe X509_STORE_CTX_get_current_cert(context).flatMap { unsafe Certificate(sharing: $0) }
            // OpenSSL finds no issuer where it cannot read what a certificate says.
            if code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                let place = presented.firstIndex(where: \.hasMalformedExtension)
            {
                return .failure(.unusable(place, presented[place], "has a malformed or repeated extension"))
            }
            return .failure(
                .chain(
                    code: code,
                    depth: depth,
                    blamed ?? presented[0],
                    leaf: presented[0],
                    mayBeAuthority: isByPinAlone,
                    side: side,
                    expectedName: expectedName,
                    now: now
                )
            )
        }
        // Borrowed from the context; each certificate takes a reference of its own.
        let chain = unsafe X509_STORE_CTX_get0_chain(context)
        var validated: [Certificate] = []
        for index in 0..<(unsafe copenssl_certificates_count(chain)) {
            guard
                let handle = unsafe copenssl_certificates_at(chain, index),
                let certificate = unsafe Certificate(sharing: handle)
            else { return .failure(.outOfMemory) }
            validated.append(certificate)
        }
        return validated.isEmpty ? .failure(.outOfMemory) : .success(validated)
    }

    private func configure(
        _ parameters: OpaquePointer,
        side: Side,
        expectedName: ExpectedName?,
        now: WallTime
    ) -> Bool {
        let purpose = side == .server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT
        let trustSetting = side == .server ? X509_TRUST_SSL_SERVER : X509_TRUST_SSL_CLIENT
        guard
            unsafe X509_VERIFY_PARAM_set_purpose(parameters, purpose) == 1,
            unsafe X509_VERIFY_PARAM_set_trust(parameters, trustSetting) == 1
        else { return false }
        var flags = UInt(X509_V_FLAG_TRUSTED_FIRST)
        if isByPinAlone {
            // The pinned certificate ends the chain; what RFC 5280 demands of authorities is not demanded of it.
            flags |= UInt(X509_V_FLAG_PARTIAL_CHAIN)
        } else if trust.isStrict {
            flags |= UInt(X509_V_FLAG_X509_STRICT)
        }
        guard unsafe X509_VERIFY_PARAM_set_flags(parameters, flags) == 1 else { return false }
        // Level 2 is 112 bits: RSA from 2048, EC from P-224, no SHA-1. It is Debian's level for TLS, too.
        unsafe X509_VERIFY_PARAM_set_auth_level(parameters, 2)
        unsafe X509_VERIFY_PARAM_set_time(parameters, Int(now.secondsSince1970))
        unsafe X509_VERIFY_PARAM_set_hostflags(
            parameters,
            UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
        )
        switch expectedName {
        case .dns(let name):
            // An empty name would switch the check off, and one with a dot in front match all names below it.
            guard !name.isEmpty, !name.hasPrefix(".") else {
                return unsafe X509_VERIFY_PARAM_set1_host(parameters, "invalid.", 8) == 1
            }
            return unsafe X509_VERIFY_PARAM_set1_host(parameters, name, name.utf8.count) == 1
        case .ip(let address):
            return unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, address) == 1
        case .uri, .trustDomain, nil:
            // The rules of our own see to URIs.
            return true
        }
    }

    /// What OpenSSL leaves open.
    private func ownRules(_ chain: [Certificate], of side: Side) -> VerificationRefusal? {
        let leaf = chain[0]
        // `openssl req -x509` makes every self-signed certificate an authority's; a pin is on this very one.
        if leaf.isAuthority, !isByPinAlone { return .authorityAsLeaf(leaf) }
        if !leaf.allowsExactly(side == .server ? XKU_SSL_SERVER : XKU_SSL_CLIENT) { return .wrongUsage(leaf, side) }
        // OpenSSL is content with a key for key agreement or encipherment, which we have no use for.
        if !leaf.allowsSigning { return .wrongUsage(leaf, side) }
        for (depth, certificate) in chain.enumerated() {
            if certificate.version < 3 {
                return .unusable(depth, certificate, "is of version \(certificate.version); 3 is required")
            }
            if certificate.hasRepeatedExtension {
                return .unusable(depth, certificate, "has a malformed or repeated extension")
            }
        }
        return nil
    }

    /// The names that OpenSSL does not check.
    private func nameRules(_ leaf: Certificate, _ expectedName: ExpectedName?) -> VerificationRefusal? {
        let isFitting: Bool
        switch expectedName {
        case .uri(let uri):
            // A SPIFFE ID stands alone: with a second URI beside it, it would be open which one counts.
            isFitting = SPIFFEID(parsing: uri) == nil ? leaf.uris.contains(uri) : leaf.uris == [uri]
        case .trustDomain(let domain):
            let uris = leaf.uris
            isFitting = uris.count == 1 && SPIFFEID(parsing: uris[0])?.trustDomain == domain
        case .dns, .ip, nil: return nil
        }
        return isFitting ? nil : .wrongName(leaf, expectedName)
    }
}
