extension SigningKey {
    /// Loads the key in a file: PKCS#8 as PEM or DER.
    ///
    /// - Parameters:
    ///   - file: The path.
    ///   - onWarning: Told what is not wrong but should be looked at: that others can read the file.
    /// - Throws: ``SignatureError`` that names the file and the reason.
    public init(file: String, onWarning: (String) -> Void) throws(SignatureError) {
        let (contents, mode) = try KeyFile.read(file)
        self = try SigningKey(pkcs8: contents, source: file)
        if mode & 0o077 != 0 {
            let octal = String(mode & 0o777, radix: 8)
            onWarning("\(file): the signing key is open to other users (mode 0\(octal)); 0600 is right")
        }
    }

    /// Writes the key into a new file, PKCS#8 in PEM, that its owner alone can read (mode 0600).
    ///
    /// The file is there completely and on the disk, or not at all.
    ///
    /// - Throws: ``SignatureError``: ``SignatureError/Code/fileExists`` when the file is there already.
    public func write(to file: String) throws(SignatureError) {
        try KeyFile.create(file, pkcs8PEM)
    }
}

extension VerificationKey {
    /// Loads the key in a file: SubjectPublicKeyInfo as PEM or DER.
    ///
    /// - Throws: ``SignatureError`` that names the file and the reason.
    public init(file: String) throws(SignatureError) {
        self = try VerificationKey(spki: KeyFile.read(file).contents, source: file)
    }
}
