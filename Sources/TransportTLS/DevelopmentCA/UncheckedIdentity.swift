internal import NodeTransport

extension Identity {
    /// What a dishonest or careless peer shows: for tests of those who are to refuse it.
    init(unchecked chain: [Bytes], key: PrivateKey) throws(TLSError) {
        guard
            let leaf = chain.first.flatMap({ Certificate(der: $0) }),
            let fingerprint = leaf.fingerprint, let publicKeyFingerprint = leaf.publicKeyFingerprint
        else { throw TLSError(.malformedCertificate, "OpenSSL can only show what it can read") }
        self.chain = chain
        names = leaf.names
        subject = leaf.subject
        self.fingerprint = fingerprint
        self.publicKeyFingerprint = publicKeyFingerprint
        notBefore = leaf.notBefore ?? WallTime(secondsSince1970: 0)
        notAfter = leaf.notAfter ?? WallTime(secondsSince1970: 0)
        warnings = []
        self.key = key
        isUnchecked = true
    }
}
