internal import COpenSSL
internal import Glibc

/// What a certificate is to say; signed by an authority's key it becomes one.
struct CertificateTemplate {
    var commonName: String
    var dnsNames: [String] = []
    var ipAddresses: [String] = []
    var uris: [String] = []
    var notBefore: WallTime
    var notAfter: WallTime
    var isAuthority = false
    var extendedKeyUsages: [ExtendedKeyUsage] = []

    /// Makes the certificate of `key`, signed with `issuerKey`; without `issuer` it is its own issuer.
    func sign(_ key: PrivateKey, issuer: Certificate?, issuerKey: PrivateKey) throws(TLSError) -> Certificate {
        defer { ERR_clear_error() }
        guard let handle = unsafe X509_new() else { throw OpenSSLError.failure("making a certificate") }
        let certificate = unsafe Certificate(owning: handle)
        let name = Array(commonName.utf8)
        guard !name.isEmpty, name.count <= 64, name.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            throw TLSError(.invalidConfiguration, "a certificate's common name has 1 to 64 printable characters")
        }
        let signer = issuer ?? certificate
        guard
            unsafe X509_set_version(handle, 2) == 1,
            unsafe copenssl_set_random_serial(handle),
            unsafe ASN1_TIME_set(X509_getm_notBefore(handle), time_t(notBefore.secondsSince1970)) != nil,
            unsafe ASN1_TIME_set(X509_getm_notAfter(handle), time_t(notAfter.secondsSince1970)) != nil,
            unsafe copenssl_set_common_name(handle, name, name.count),
            unsafe X509_set_issuer_name(handle, X509_get_subject_name(signer.handle)) == 1,
            unsafe X509_set_pubkey(handle, key.handle) == 1,
            addExtensions(to: certificate, signer: signer)
        else { throw OpenSSLError.failure("making the certificate of \(commonName)") }
        try addNames(to: certificate)
        guard unsafe copenssl_sign(handle, issuerKey.handle) else {
            throw OpenSSLError.failure("signing the certificate of \(commonName)")
        }
        // Parsed anew: OpenSSL caches the properties of a certificate the first time it is asked.
        guard let finished = Certificate(der: certificate.der) else {
            throw OpenSSLError.failure("encoding the certificate of \(commonName)")
        }
        return finished
    }

    private func addExtensions(to certificate: Certificate, signer: Certificate) -> Bool {
        func add(_ identifier: Int32, _ value: String) -> Bool {
            unsafe copenssl_add_extension(certificate.handle, signer.handle, identifier, value)
        }
        let usages = isAuthority ? "keyCertSign,cRLSign" : "digitalSignature"
        let isAdded =
            add(NID_basic_constraints, isAuthority ? "critical,CA:TRUE" : "critical,CA:FALSE")
            && add(NID_key_usage, "critical,\(usages)")
            && (extendedKeyUsages.isEmpty
                || add(NID_ext_key_usage, extendedKeyUsages.map(\.text).joined(separator: ",")))
            && add(NID_subject_key_identifier, "hash")
        // A root's identifier of its issuer would be its own.
        return isAdded && (signer === certificate || add(NID_authority_key_identifier, "keyid:always"))
    }

    private func addNames(to certificate: Certificate) throws(TLSError) {
        var entries: [(type: Int32, bytes: [UInt8])] = []
        for (names, type) in [(dnsNames, GEN_DNS), (uris, GEN_URI)] {
            for name in names {
                let bytes = Array(name.utf8)
                guard !bytes.isEmpty, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
                    throw TLSError(.invalidConfiguration, "'\(name)' is not a name that a certificate can hold")
                }
                entries.append((type, bytes))
            }
        }
        for text in ipAddresses {
            guard let address = IPAddress(text) else {
                throw TLSError(.invalidConfiguration, "'\(text)' is not an IP address")
            }
            entries.append((GEN_IPADD, address.bytes))
        }
        guard !entries.isEmpty else { return }
        guard let list = unsafe GENERAL_NAMES_new() else { throw OpenSSLError.failure("naming a certificate") }
        defer { unsafe GENERAL_NAMES_free(list) }
        for (type, bytes) in entries {
            guard unsafe copenssl_names_add(list, type, bytes, bytes.count) else {
                throw OpenSSLError.failure("naming the certificate of \(commonName)")
            }
        }
        guard unsafe copenssl_set_names(certificate.handle, list) else {
            throw OpenSSLError.failure("naming the certificate of \(commonName)")
        }
    }
}

/// What a certificate's key may be used for in TLS (RFC 5280 section 4.2.1.12).
public struct ExtendedKeyUsage: Sendable, Hashable {
    let text: String

    /// As a server.
    public static let serverAuthentication = ExtendedKeyUsage(text: "serverAuth")
    /// As a client.
    public static let clientAuthentication = ExtendedKeyUsage(text: "clientAuth")
    /// For signing programs: not for TLS.
    public static let codeSigning = ExtendedKeyUsage(text: "codeSigning")
}
