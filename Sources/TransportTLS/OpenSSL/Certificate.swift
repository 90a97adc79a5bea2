internal import COpenSSL
internal import Glibc
internal import NodeTransport

/// A parsed X.509 certificate: owns one reference to OpenSSL's object and drops it once.
///
/// Confined to the function that made it; values that travel hold the DER instead.
@safe
final class Certificate {
    /// Valid as long as this object is.
    let handle: OpaquePointer

    /// Takes over the reference that the caller holds.
    init(owning handle: OpaquePointer) {
        unsafe self.handle = handle
    }

    /// Adds a reference of its own.
    init?(sharing handle: OpaquePointer) {
        guard unsafe X509_up_ref(handle) == 1 else { return nil }
        unsafe self.handle = handle
    }

    /// Parses DER; `nil` when it is not exactly one certificate.
    init?(der: Bytes) {
        let parsed: OpaquePointer? = unsafe der.withUnsafeBytes { buffer in
            var next = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            guard let start = unsafe next, let parsed = unsafe d2i_X509(nil, &next, buffer.count) else { return nil }
            guard unsafe next == start + buffer.count else {
                unsafe X509_free(parsed)
                return nil
            }
            return unsafe parsed
        }
        ERR_clear_error()
        guard let parsed = unsafe parsed else { return nil }
        unsafe handle = parsed
    }

    deinit { unsafe X509_free(handle) }

    /// The encoded certificate; empty when OpenSSL cannot encode it.
    var der: Bytes {
        var encoded: UnsafeMutablePointer<UInt8>?
        let count = unsafe i2d_X509(handle, &encoded)
        guard count > 0, let start = unsafe encoded else { return Bytes() }
        defer { unsafe copenssl_free(start) }
        return unsafe Bytes(copying: UnsafeRawBufferPointer(start: start, count: Int(count)))
    }

    /// The subject in RFC 2253 form, control characters escaped, at most 256 bytes.
    var subject: String {
        var room = [CChar](repeating: 0, count: 257)
        unsafe copenssl_subject_text(handle, &room, room.count)
        let subject = text(of: room)
        return subject.isEmpty ? "no subject" : subject
    }

    var commonName: String? {
        var room = [UInt8](repeating: 0, count: 256)
        let count = unsafe copenssl_common_name(handle, &room, room.count)
        guard count > 0 else { return nil }
        return printable(room.prefix(Int(count)))
    }

    var notBefore: WallTime? { unsafe time(X509_get0_notBefore(handle)) }
    var notAfter: WallTime? { unsafe time(X509_get0_notAfter(handle)) }

    private func time(_ time: UnsafePointer<ASN1_TIME>?) -> WallTime? {
        var seconds: Int64 = 0
        guard unsafe copenssl_seconds(time, &seconds) else { return nil }
        return WallTime(secondsSince1970: seconds)
    }

    /// 1, 2 or 3.
    var version: Int { unsafe Int(X509_get_version(handle)) + 1 }

    /// Whether the basic constraints say that this is an authority.
    var isAuthority: Bool { unsafe X509_get_extension_flags(handle) & UInt32(EXFLAG_CA) != 0 }

    /// Whether issuer and subject are the same name.
    var isSelfIssued: Bool { unsafe X509_get_extension_flags(handle) & UInt32(EXFLAG_SI) != 0 }

    /// Whether the extended key usage allows `usage` (an `XKU_` flag) by name, or is absent.
    func allowsExactly(_ usage: Int32) -> Bool {
        let allowed = unsafe X509_get_extended_key_usage(handle)
        return allowed == .max || allowed & UInt32(bitPattern: usage) != 0
    }

    /// Whether the key usage allows signatures, or is absent: all that TLS 1.3 and ECDHE use a key for.
    var allowsSigning: Bool { unsafe X509_get_key_usage(handle) & UInt32(KU_DIGITAL_SIGNATURE) != 0 }

    /// Whether an extension does not parse, or one that OpenSSL knows is there twice.
    var hasMalformedExtension: Bool {
        let flags = unsafe X509_get_extension_flags(handle)
        ERR_clear_error()
        return flags & UInt32(EXFLAG_INVALID) != 0
    }

    /// Whether any extension is there twice.
    var hasRepeatedExtension: Bool { unsafe copenssl_has_repeated_extension(handle) }

    /// Whether this certificate's names and extensions fit to have issued `other`.
    func issued(_ other: Certificate) -> Bool {
        unsafe X509_check_issued(handle, other.handle) == X509_V_OK
    }

    var fingerprint: Fingerprint? {
        var digest = [UInt8](repeating: 0, count: Fingerprint.byteCount)
        guard unsafe copenssl_fingerprint(handle, &digest) else { return nil }
        return Fingerprint(bytes: Bytes(digest))
    }

    var publicKeyFingerprint: Fingerprint? {
        var digest = [UInt8](repeating: 0, count: Fingerprint.byteCount)
        guard unsafe copenssl_key_fingerprint(handle, &digest) else { return nil }
        return Fingerprint(bytes: Bytes(digest))
    }

    /// The URIs among the names.
    var uris: [String] {
        names.compactMap { name in
            if case .uri(let uri) = name { uri } else { nil }
        }
    }

    /// The subject alternative names that are clean text or a well-formed address.
    ///
    /// A name with a control character or a zero byte in it is left out: no policy may match on its start.
    var names: [PeerName] {
        let list = unsafe copenssl_names_of(handle)
        ERR_clear_error()
        guard let list = unsafe list else { return [] }
        defer { unsafe GENERAL_NAMES_free(list) }
        var names: [PeerName] = []
        for index in 0..<(unsafe copenssl_names_count(list)) {
            var start: UnsafePointer<UInt8>?
            var count = 0
            let type = unsafe copenssl_names_at(list, index, &start, &count)
            let bytes = unsafe UnsafeBufferPointer(start: start, count: start == nil ? 0 : count)
            let name: PeerName? =
                switch type {
                case GEN_DNS: unsafe printable(bytes).map(PeerName.dns)
                case GEN_URI: unsafe printable(bytes).map(PeerName.uri)
                case GEN_EMAIL: unsafe printable(bytes).map(PeerName.email)
                case GEN_IPADD: unsafe IPAddress(bytes: Array(bytes)).map { .ip($0.description) }
                default: nil
                }
            if let name { names.append(name) }
        }
        return names
    }
}

/// The text, if it is UTF-8 without control characters and not empty.
private func printable(_ bytes: some Collection<UInt8>) -> String? {
    guard !bytes.isEmpty, bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return nil }
    return String(validating: bytes, as: UTF8.self)
}
