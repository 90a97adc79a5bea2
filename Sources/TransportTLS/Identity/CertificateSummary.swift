internal import COpenSSL
public import NodeTransport

/// What a certificate says, for people and monitoring to look at.
///
/// It is what stands in the file: nobody has checked the signature, the chain or the time. Trust nothing because of it.
public struct CertificateSummary: Sendable, Hashable {
    /// The certificate in DER.
    public let der: Bytes

    /// Its place among the PEM blocks of the file, counted from 1.; `nil` in a file that has no PEM blocks.
    public let block: Int?

    /// The subject in the form of RFC 2253, at most 256 bytes: `CN=node-7`.
    public let subject: String

    /// The subject of the authority that issued it, in the same form.
    public let issuer: String

    /// The subject alternative names, in the order of the certificate.
    public let names: [PeerName]

    /// From when on it is valid.
    public let notBefore: WallTime

    /// Until when it is valid.
    public let notAfter: WallTime

    /// The kind of its key: `EC P-256`, `RSA 2048`, `ED25519`; the object identifier of what OpenSSL does not know.
    public let keyType: String

    /// SHA-256 of the certificate's DER.
    public let fingerprint: Fingerprint

    /// SHA-256 of its public key (SubjectPublicKeyInfo, RFC 5280 section 4.1).
    public let publicKeyFingerprint: Fingerprint

    /// Whether it is an authority's (basic constraints, RFC 5280 section 4.2.1.9).
    public let isAuthority: Bool

    /// The certificates in a file, in their order.
    ///
    /// - Throws: ``TLSError`` that names the file, the block and the reason.
    public static func all(file: String) throws(TLSError) -> [CertificateSummary] {
        try all(in: FileSystem.read(file).contents, source: file)
    }

    /// The certificates in `contents`, in their order; blocks of other kinds are passed over.
    ///
    /// - Parameters:
    ///   - contents: What a certificate file holds.
    ///   - source: What errors call it.
    /// - Throws: ``TLSError`` that names the source, the block and the reason.
    public static func all(
        in contents: Bytes, source: String = "certificate"
    ) throws(TLSError) -> [CertificateSummary] {
        var summaries: [CertificateSummary] = []
        for block in try CertificateBlock.all(in: contents, file: source) {
            summaries.append(try CertificateSummary(block, source: source))
        }
        return summaries
    }

    private init(_ loaded: CertificateBlock, source: String) throws(TLSError) {
        let certificate = loaded.certificate
        guard
            let notBefore = certificate.notBefore, let notAfter = certificate.notAfter,
            let fingerprint = certificate.fingerprint, let publicKeyFingerprint = certificate.publicKeyFingerprint
        else {
            throw TLSError(
                .malformedCertificate, "certificate \(certificate.subject) has no readable validity or key",
                file: source, block: loaded.block)
        }
        der = certificate.der
        block = loaded.block
        subject = certificate.subject
        issuer = certificate.issuer
        names = certificate.names
        self.notBefore = notBefore
        self.notAfter = notAfter
        keyType = certificate.keyType
        self.fingerprint = fingerprint
        self.publicKeyFingerprint = publicKeyFingerprint
        isAuthority = certificate.isAuthority
    }

    /// How many whole days it is still valid; negative when it has expired, -1 on the first day after.
    public func daysLeft(at now: WallTime = .now) -> Int {
        let (seconds, isTooFar) = notAfter.secondsSince1970.subtractingReportingOverflow(now.secondsSince1970)
        guard !isTooFar else { return notAfter < now ? .min : .max }
        let days = seconds / 86_400
        return Int(clamping: seconds % 86_400 < 0 ? days - 1 : days)
    }

    /// Whether one of the ``names`` is `host` (RFC 9525): a DNS name, for which `*.` stands too, or an IP address.
    public func isFor(host: String) -> Bool {
        guard let certificate = Certificate(der: der) else { return false }
        return certificate.isFor(ExpectedName(host))
    }
}

extension Certificate {
    fileprivate var issuer: String {
        // The text of a subject is what there is; so the issuer becomes one.
        defer { ERR_clear_error() }
        guard let handle = unsafe X509_new() else { return "" }
        let carrier = unsafe Certificate(owning: handle)
        guard unsafe X509_set_subject_name(handle, X509_get_issuer_name(self.handle)) == 1 else { return "" }
        return carrier.subject
    }

    fileprivate var keyType: String {
        defer { ERR_clear_error() }
        guard let key = unsafe X509_get0_pubkey(handle), let name = unsafe EVP_PKEY_get0_type_name(key) else {
            return keyIdentifier
        }
        let type = unsafe String(cString: name)
        switch type {
        case "EC": return "EC \(unsafe Self.groupName(of: key))"
        case "RSA", "RSA-PSS", "DSA": return "\(type) \(unsafe EVP_PKEY_get_bits(key))"
        default: return type
        }
    }

    /// The curve under the name that most people use.
    private static func groupName(of key: OpaquePointer) -> String {
        var room = [CChar](repeating: 0, count: 80)
        let capacity = room.count
        guard unsafe EVP_PKEY_get_group_name(key, &room, capacity, nil) == 1 else { return "of an unnamed curve" }
        let bytes = room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let name = String(decoding: bytes, as: UTF8.self)
        return switch name {
        case "prime256v1": "P-256"
        case "secp384r1": "P-384"
        case "secp521r1": "P-521"
        default: name
        }
    }

    /// The object identifier of the key's algorithm.
    private var keyIdentifier: String {
        var identifier: OpaquePointer?
        guard
            unsafe X509_PUBKEY_get0_param(&identifier, nil, nil, nil, X509_get_X509_PUBKEY(handle)) == 1,
            let identifier = unsafe identifier
        else { return "unknown" }
        var room = [CChar](repeating: 0, count: 80)
        let count = Int32(room.count)
        guard unsafe OBJ_obj2txt(&room, count, identifier, 1) > 0 else { return "unknown" }
        return String(decoding: room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    fileprivate func isFor(_ name: ExpectedName) -> Bool {
        defer { ERR_clear_error() }
        // As the verifier has it.
        let flags = UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
        switch name {
        case .dns(let name):
            guard !name.isEmpty, !name.utf8.contains(0) else { return false }
            return unsafe X509_check_host(handle, name, name.utf8.count, flags, nil) == 1
        case .ip(let address): return unsafe X509_check_ip_asc(handle, address, flags) == 1
        case .uri, .trustDomain: return false
        }
    }
}
