internal import NodeTransport

extension DevelopmentCA {
    /// The files that ``initialize(directory:name:dnsNames:ipAddresses:uris:keyType:validDays:now:)`` speaks of.
    public struct Files: Sendable, Hashable {
        /// The authority: `ca.pem`.
        public let authority: String
        /// Its key: `ca-key.pem`, mode 0600.
        public let authorityKey: String
        /// The node: `NAME.pem`.
        public let certificate: String
        /// Its key: `NAME-key.pem`, mode 0600.
        public let key: String
        /// Whether this call made the authority; otherwise it was there.
        public let isNewAuthority: Bool
    }

    /// Makes an identity for a node, and the authority in the same folder if there is none yet.
    ///
    /// Writes `NAME.pem` (the leaf alone) and `NAME-key.pem`; the first call also writes `ca.pem` and
    /// `ca-key.pem`, which later calls use. The certificate is for the DNS names NAME and `localhost`,
    /// the addresses 127.0.0.1 and ::1, and those given. Each file appears whole or not at all; an
    /// existing key is never overwritten. Processes that do this at the same time wait for each other.
    ///
    /// - Parameters:
    ///   - directory: The folder; made if it is not there (its parent must be).
    ///   - name: The node's name: letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
    ///   - dnsNames: Further host names.
    ///   - ipAddresses: Further addresses.
    ///   - uris: URIs, such as SPIFFE ids.
    ///   - keyType: The kind of the node's key, and of the authority's if it is made.
    ///   - validDays: For how long the node's certificate is valid.
    ///   - now: The time to count from.
    /// - Throws: ``TLSError``: ``TLSError/Code/fileExists`` when the node has a key already.
    public static func initialize(
        directory: String,
        name: String,
        dnsNames: [String] = [],
        ipAddresses: [String] = [],
        uris: [String] = [],
        keyType: KeyType = .p256,
        validDays: Int = 365,
        now: WallTime = .now
    ) throws(TLSError) -> Files {
        guard isFileName(name) else {
            throw TLSError(
                .invalidConfiguration,
                "'\(name)' cannot be a node's name: letters, digits, '-', '_' and '.' can"
            )
        }
        return try FileSystem.withLock(onDirectory: directory) { () throws(TLSError) in
            let certificateFile = "\(directory)/\(name).pem"
            let keyFile = "\(directory)/\(name)-key.pem"
            guard !FileSystem.exists(keyFile) else {
                throw TLSError(.fileExists, "is there already and is not overwritten", file: keyFile)
            }
            let (authority, isNew) = try authority(in: directory, keyType: keyType, now: now)
            let issued = try authority.issue(
                name: name,
                dnsNames: unique([name, "localhost"] + dnsNames),
                ipAddresses: unique(["127.0.0.1", "::1"] + ipAddresses),
                uris: uris,
                keyType: keyType,
                validDays: validDays,
                now: now
            )
            // The key last: a certificate without its key is worthless and may be replaced.
            try FileSystem.write(issued.certificatePEM, to: certificateFile, mode: 0o644, replacing: true)
            try FileSystem.write(issued.keyPEM, to: keyFile, mode: 0o600, replacing: false)
            return Files(
                authority: "\(directory)/ca.pem",
                authorityKey: "\(directory)/ca-key.pem",
                certificate: certificateFile,
                key: keyFile,
                isNewAuthority: isNew
            )
        }
    }

    private static func authority(
        in directory: String,
        keyType: KeyType,
        now: WallTime
    ) throws(TLSError) -> (authority: DevelopmentCA, isNew: Bool) {
        let certificateFile = "\(directory)/ca.pem"
        let keyFile = "\(directory)/ca-key.pem"
        if FileSystem.exists(certificateFile) {
            let authority = try DevelopmentCA(
                certificatePEM: FileSystem.read(certificateFile).contents,
                keyPEM: FileSystem.read(keyFile).contents,
                certificateSource: certificateFile,
                keySource: keyFile,
                now: now
            )
            return (authority, false)
        }
        // The key first: without its certificate it has signed nothing, and the next call makes one for it.
        let key: PrivateKey
        if FileSystem.exists(keyFile) {
            key = try KeyLoader.load(FileSystem.read(keyFile).contents, file: keyFile, passphrase: nil)
        } else {
            key = try PrivateKey.generate(keyType)
            try FileSystem.write(key.pem(), to: keyFile, mode: 0o600, replacing: false)
        }
        let authority = try create(commonName: "Development CA", validDays: 3650, now: now, key: key)
        try FileSystem.write(authority.certificatePEM, to: certificateFile, mode: 0o644, replacing: false)
        return (authority, true)
    }

    private static func isFileName(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 64, name != "ca", !name.hasSuffix("-key"),
            !name.hasSuffix("-signing")
        else {
            return false
        }
        func isLetterOrDigit(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
        }
        return isLetterOrDigit(first)
            && name.utf8.allSatisfy { isLetterOrDigit($0) || $0 == 0x2d || $0 == 0x5f || $0 == 0x2e }
    }

    private static func unique(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }
}
