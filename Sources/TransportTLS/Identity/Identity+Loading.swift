internal import Glibc
public import NodeTransport

extension Identity {
    /// Loads a chain and its key from two files (or one that holds both), each in PEM or DER.
    ///
    /// - Parameters:
    ///   - certificateFile: The certificates, in any order; the leaf is the one the key belongs to. PEM,
    ///     DER (several may stand one behind the other) or PKCS#7 (`.p7b`).
    ///   - keyFile: One private key in PEM or DER: PKCS#8, encrypted PKCS#8, PKCS#1 (RSA) or SEC1 (EC).
    ///   - passphrase: For an encrypted key.
    ///   - now: What validity is measured with.
    /// - Throws: ``TLSError`` that names the file, the block and the reason.
    public init(
        certificateFile: String,
        keyFile: String,
        passphrase: String? = nil,
        now: WallTime = .now
    ) throws(TLSError) {
        let certificates = try FileSystem.read(certificateFile)
        let key = try FileSystem.read(keyFile)
        try self.init(
            certificates: (certificates.contents, certificateFile),
            key: (key.contents, keyFile),
            passphrase: passphrase,
            now: now,
            warnings: Self.warnings(aboutMode: key.mode, of: keyFile)
        )
    }

    /// Loads a chain and its key from bytes, each in PEM or DER.
    ///
    /// - Parameters:
    ///   - certificates: The certificates, in any order; the leaf is the one the key belongs to. PEM,
    ///     DER (several may stand one behind the other) or PKCS#7 (`.p7b`).
    ///   - key: One private key in PEM or DER: PKCS#8, encrypted PKCS#8, PKCS#1 (RSA) or SEC1 (EC).
    ///   - passphrase: For an encrypted key.
    ///   - certificateSource: What errors call the certificates.
    ///   - keySource: What errors call the key.
    ///   - now: What validity is measured with.
    /// - Throws: ``TLSError`` that names the source, the block and the reason.
    public init(
        certificates: Bytes,
        key: Bytes,
        passphrase: String? = nil,
        certificateSource: String = "certificates",
        keySource: String = "key",
        now: WallTime = .now
    ) throws(TLSError) {
        try self.init(
            certificates: (certificates, certificateSource),
            key: (key, keySource),
            passphrase: passphrase,
            now: now,
            warnings: []
        )
    }

    /// Loads a chain and its key from PEM text.
    ///
    /// The same as ``init(certificates:key:passphrase:certificateSource:keySource:now:)``, which takes DER as well.
    public init(
        certificatePEM: Bytes,
        keyPEM: Bytes,
        passphrase: String? = nil,
        certificateSource: String = "certificate PEM",
        keySource: String = "key PEM",
        now: WallTime = .now
    ) throws(TLSError) {
        try self.init(
            certificates: certificatePEM,
            key: keyPEM,
            passphrase: passphrase,
            certificateSource: certificateSource,
            keySource: keySource,
            now: now
        )
    }

    /// Loads a chain and its key from a PKCS#12 file (`.p12`, `.pfx`; RFC 7292).
    ///
    /// Files with the ciphers of old (RC2, for instance) need OpenSSL's provider `legacy`, which is used for
    /// this file alone.
    ///
    /// - Parameters:
    ///   - pkcs12File: One private key, the certificate it belongs to, and what issued that, in any order.
    ///   - passphrase: What the file is encrypted with; `nil` and the empty text mean the same.
    ///   - now: What validity is measured with.
    /// - Throws: ``TLSError`` that names the file, the entry and the reason.
    public init(pkcs12File: String, passphrase: String? = nil, now: WallTime = .now) throws(TLSError) {
        let (contents, mode) = try FileSystem.read(pkcs12File)
        try self.init(
            pkcs12: contents,
            source: pkcs12File,
            passphrase: passphrase,
            now: now,
            warnings: Self.warnings(aboutMode: mode, of: pkcs12File)
        )
    }

    /// Loads a chain and its key from the bytes of a PKCS#12 file (RFC 7292).
    ///
    /// - Parameters:
    ///   - pkcs12: One private key, the certificate it belongs to, and what issued that, in any order.
    ///   - passphrase: What the bytes are encrypted with; `nil` and the empty text mean the same.
    ///   - source: What errors call the bytes.
    ///   - now: What validity is measured with.
    /// - Throws: ``TLSError`` that names the source, the entry and the reason.
    public init(
        pkcs12: Bytes,
        passphrase: String? = nil,
        source: String = "PKCS#12",
        now: WallTime = .now
    ) throws(TLSError) {
        try self.init(pkcs12: pkcs12, source: source, passphrase: passphrase, now: now, warnings: [])
    }

    private init(
        pkcs12: Bytes,
        source: String,
        passphrase: String?,
        now: WallTime,
        warnings: [String]
    ) throws(TLSError) {
        try FileSystem.checkSize(pkcs12, source)
        let (certificates, key) = try PKCS12Loader.load(pkcs12, file: source, passphrase: passphrase)
        try self.init(
            certificates: certificates,
            source: source,
            key: key,
            keySource: source,
            now: now,
            warnings: warnings
        )
    }

    private init(
        certificates: (contents: Bytes, source: String),
        key: (contents: Bytes, source: String),
        passphrase: String?,
        now: WallTime,
        warnings: [String]
    ) throws(TLSError) {
        let privateKey = try KeyLoader.load(key.contents, file: key.source, passphrase: passphrase)
        let loaded = try CertificateBlock.all(in: certificates.contents, file: certificates.source)
        try self.init(
            certificates: loaded,
            source: certificates.source,
            key: privateKey,
            keySource: key.source,
            now: now,
            warnings: warnings
        )
    }

    private static func warnings(aboutMode mode: mode_t, of file: String) -> [String] {
        guard mode & 0o077 != 0 else { return [] }
        let digits = String(mode & 0o777, radix: 8)
        return ["\(file): the private key is open to other users (mode 0\(digits)); 0600 is right"]
    }
}
