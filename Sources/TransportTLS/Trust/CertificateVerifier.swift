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

    private let store: TrustStore
    private let isStrict: Bool

    /// No chain that anybody uses is longer.
    private static let maximumChainCount = 10

    /// - Throws: ``TLSError`` when the roots cannot be taken.
    package init(trust: Trust) throws(TLSError) {
        store = try TrustStore(trust)
        isStrict = trust.isStrict
    }

    /// Judges a chain that a peer presented.
    ///
    /// - Parameters:
    ///   - chain: DER as presented, leaf first.
    ///   - side: The side that presented it.
    ///   - expectedName: The name that the leaf must be for; `nil` for any.
    ///   - now: What validity is measured with.
    /// - Returns: The peer, with the chain that was validated.
    /// - Throws: ``TLSError`` that says which certificate is refused and why.
    package func verify(
        chain: [Bytes],
        of side: Side,
        expectedName: ExpectedName?,
        now: WallTime
    ) throws(TLSError) -> PeerIdentity {
        var certificates: [Certificate] = []
        for (index, der) in chain.prefix(Self.maximumChainCount + 1).enumerated() {
            guard let certificate = Certificate(der: der) else {
                let message = "certificate verification failed: certificate \(index) is not an X.509 certificate"
                throw TLSError(.malformedCertificate, message)
            }
            certificates.append(certificate)
        }
        switch judge(certificates, of: side, expectedName: expectedName, now: now) {
        case .success(let peer): return peer
        case .failure(let refusal): throw refusal.error
        }
    }

    /// The same for certificates that are parsed already.
    func judge(
        _ presented: [Certificate],
        of side: Side,
        expectedName: ExpectedName?,
        now: WallTime
    ) -> Result<PeerIdentity, VerificationRefusal> {
        defer { ERR_clear_error() }
        guard let leaf = presented.first else { return .failure(.noCertificate) }
        guard presented.count <= Self.maximumChainCount else { return .failure(.chainTooLong(presented.count)) }
        return validate(presented, of: side, expectedName: expectedName, now: now).flatMap { validated in
            if let refusal = ownRules(validated, of: side) { return .failure(refusal) }
            guard let fingerprint = leaf.fingerprint, let publicKeyFingerprint = leaf.publicKeyFingerprint else {
                return .failure(.unusable(0, leaf, "cannot be encoded"))
            }
            return .success(
                PeerIdentity(
                    names: leaf.names,
                    commonName: leaf.commonName,
                    fingerprint: fingerprint,
                    publicKeyFingerprint: publicKeyFingerprint,
                    chain: validated.map(\.der)
                )
            )
        }
    }

    /// Chain building and RFC 5280, by OpenSSL: the validated chain, leaf first, root last.
    private func validate(
        _ presented: [Certificate],
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
        let trust = side == .server ? X509_TRUST_SSL_SERVER : X509_TRUST_SSL_CLIENT
        guard
            unsafe X509_VERIFY_PARAM_set_purpose(parameters, purpose) == 1,
            unsafe X509_VERIFY_PARAM_set_trust(parameters, trust) == 1
        else { return false }
        let strict = isStrict ? UInt(X509_V_FLAG_X509_STRICT) : 0
        guard unsafe X509_VERIFY_PARAM_set_flags(parameters, strict | UInt(X509_V_FLAG_TRUSTED_FIRST)) == 1 else {
            return false
        }
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
        case nil:
            return true
        }
    }

    /// What OpenSSL leaves open.
    private func ownRules(_ chain: [Certificate], of side: Side) -> VerificationRefusal? {
        let leaf = chain[0]
        if leaf.isAuthority { return .authorityAsLeaf(leaf) }
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
}
