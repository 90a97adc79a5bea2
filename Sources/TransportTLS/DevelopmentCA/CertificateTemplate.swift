internal import COpenSSL
internal import Glibc
package import NodeTransport

/// What a certificate is to say; signed by an authority's key it becomes one.
///
/// The development CA fills in what is sound. Tests also make with it what nobody should accept.
package struct CertificateTemplate: Sendable {
    /// The extensions that a certificate has unless they are left out.
    package enum StandardExtension: Sendable {
        case basicConstraints, keyUsage, subjectKeyIdentifier, authorityKeyIdentifier
    }

    package var commonName: String
    package var names: [PeerName] = []
    package var notBefore: WallTime
    package var notAfter: WallTime
    package var isAuthority = false
    /// How many authorities may follow below this one; `nil` for any number.
    package var pathLength: Int?
    package var nameConstraints: NameConstraints?
    /// `nil` for what suits a leaf, or an authority.
    package var keyUsages: Set<KeyUsage>?
    package var extendedKeyUsages: [ExtendedKeyUsage] = []

    // What sound certificates leave alone.

    /// 1 or 3; version 1 has no extensions of itself.
    package var version = 3
    /// OpenSSL's name of the digest, as in `SHA1`; `nil` for the one that suits the issuer's key.
    package var digest: String?
    /// Another name than the issuer's own.
    package var issuerCommonName: String?
    package var omitted: Set<StandardExtension> = []
    /// At the end, as they are.
    package var added: [CertificateExtension] = []

    package init(commonName: String, notBefore: WallTime, notAfter: WallTime) {
        self.commonName = commonName
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    /// Makes the certificate of `key`, signed with `issuerKey`; without `issuer` it is its own issuer.
    func sign(_ key: PrivateKey, issuer: Certificate?, issuerKey: PrivateKey) throws(TLSError) -> Certificate {
        defer { ERR_clear_error() }
        guard let handle = unsafe X509_new() else { throw OpenSSLError.failure("making a certificate") }
        let certificate = unsafe Certificate(owning: handle)
        let name = try checked(commonName)
        let signer = issuer ?? certificate
        guard
            unsafe X509_set_version(handle, version - 1) == 1,
            unsafe copenssl_set_random_serial(handle),
            unsafe ASN1_TIME_set(X509_getm_notBefore(handle), time_t(notBefore.secondsSince1970)) != nil,
            unsafe ASN1_TIME_set(X509_getm_notAfter(handle), time_t(notAfter.secondsSince1970)) != nil,
            unsafe copenssl_set_common_name(handle, name, name.count),
            try setIssuer(of: certificate, to: signer),
            unsafe X509_set_pubkey(handle, key.handle) == 1,
            try addExtensions(to: certificate, signer: signer),
            unsafe copenssl_sign(handle, issuerKey.handle, digest)
        else { throw OpenSSLError.failure("making the certificate of \(commonName)") }
        // Parsed anew: OpenSSL caches the properties of a certificate the first time it is asked.
        guard let finished = Certificate(der: certificate.der) else {
            throw OpenSSLError.failure("encoding the certificate of \(commonName)")
        }
        return finished
    }

    private func checked(_ name: String) throws(TLSError) -> [UInt8] {
        let bytes = Array(name.utf8)
        guard !bytes.isEmpty, bytes.count <= 64, bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
            throw TLSError(.invalidConfiguration, "a certificate's common name has 1 to 64 printable characters")
        }
        return bytes
    }

    private func setIssuer(of certificate: Certificate, to signer: Certificate) throws(TLSError) -> Bool {
        guard let issuerCommonName else {
            return unsafe X509_set_issuer_name(certificate.handle, X509_get_subject_name(signer.handle)) == 1
        }
        let name = try checked(issuerCommonName)
        return unsafe copenssl_set_issuer_common_name(certificate.handle, name, name.count)
    }

    private func addExtensions(to certificate: Certificate, signer: Certificate) throws(TLSError) -> Bool {
        for item in try extensions() {
            guard
                unsafe copenssl_add_raw_extension(
                    certificate.handle, item.identifier, item.isCritical, item.contents, item.contents.count)
            else { return false }
        }
        guard version >= 3 else { return true }
        func add(_ identifier: Int32, _ value: String) -> Bool {
            unsafe copenssl_add_extension(certificate.handle, signer.handle, identifier, value)
        }
        guard omitted.contains(.subjectKeyIdentifier) || add(NID_subject_key_identifier, "hash") else { return false }
        // A root's identifier of its issuer would be its own.
        guard signer !== certificate, !omitted.contains(.authorityKeyIdentifier) else { return true }
        return add(NID_authority_key_identifier, "keyid:always")
    }

    /// All but the key identifiers, which OpenSSL derives.
    private func extensions() throws(TLSError) -> [CertificateExtension] {
        guard version >= 3 else { return added }
        var list: [CertificateExtension] = []
        if !omitted.contains(.basicConstraints) {
            list.append(.basicConstraints(isAuthority: isAuthority, pathLength: pathLength))
        }
        if !omitted.contains(.keyUsage) {
            list.append(.keyUsage(keyUsages ?? (isAuthority ? [.keyCertSign, .crlSign] : [.digitalSignature])))
        }
        if !extendedKeyUsages.isEmpty { list.append(.extendedKeyUsage(extendedKeyUsages)) }
        if !names.isEmpty { list.append(.subjectAlternativeNames(try general(names))) }
        if let nameConstraints {
            let permitted = try general(nameConstraints.permitted, isConstraint: true)
            let excluded = try general(nameConstraints.excluded, isConstraint: true)
            list.append(.nameConstraints(permitted: permitted, excluded: excluded))
        }
        return list + added
    }

    private func general(_ names: [PeerName], isConstraint: Bool = false) throws(TLSError) -> [GeneralName] {
        var list: [GeneralName] = []
        for name in names {
            guard let general = GeneralName(name, isConstraint: isConstraint) else {
                throw TLSError(.invalidConfiguration, "'\(name)' is not a name that a certificate can hold")
            }
            list.append(general)
        }
        return list
    }
}
