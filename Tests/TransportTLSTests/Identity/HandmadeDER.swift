/// Encrypted keys and PKCS#12 files as no program writes them.
struct HandmadeDER {
    /// One element of DER.
    func der(_ tag: UInt8, _ parts: [UInt8]...) -> [UInt8] {
        let content = parts.flatMap { $0 }
        if content.count < 0x80 { return [tag, UInt8(content.count)] + content }
        return [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xff)] + content
    }

    func integer(_ value: UInt64) -> [UInt8] {
        let digits = stride(from: 56, through: 0, by: -8).map { UInt8(value >> UInt64($0) & 0xff) }
        let shortest = Array(digits.drop { $0 == 0 })
        return der(0x02, shortest.first.map { $0 >= 0x80 } ?? true ? [0] + shortest : shortest)
    }

    let salt: [UInt8] = [0x04, 8, 1, 2, 3, 4, 5, 6, 7, 8]
    let pbes2: [UInt8] = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d]
    let pbkdf2: [UInt8] = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c]
    let scrypt: [UInt8] = [0x06, 9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b]
    let tripleDES: [UInt8] = [0x06, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03]
    let data: [UInt8] = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01]
    let encryptedData: [UInt8] = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06]

    var aes256: [UInt8] {
        der(
            0x30,
            [0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a],
            der(0x04, [UInt8](repeating: 7, count: 16))
        )
    }

    /// PBES2 (RFC 8018) with a derivation that has these parameters behind the salt.
    func modern(_ derivation: [UInt8], _ parameters: [UInt8]...) -> [UInt8] {
        let function = der(0x30, derivation, der(0x30, salt, parameters.flatMap { $0 }))
        return der(0x30, pbes2, der(0x30, function, aes256))
    }

    /// An encryption of PKCS#12 (RFC 7292 appendix C).
    func old(_ rounds: UInt64) -> [UInt8] { der(0x30, tripleDES, der(0x30, salt, integer(rounds))) }

    let sealed = [UInt8](repeating: 9, count: 64)

    func encryptedKey(_ algorithm: [UInt8]) -> [UInt8] { der(0x30, algorithm, der(0x04, sealed)) }

    /// A PKCS#12 file with one encrypted safe and a MAC.
    func file(_ algorithm: [UInt8], macRounds: UInt64) -> [UInt8] {
        let content = der(0x30, data, algorithm, der(0x80, sealed))
        let safe = der(0x30, encryptedData, der(0xa0, der(0x30, [0x02, 1, 0], content)))
        let safes = der(0x30, data, der(0xa0, der(0x04, der(0x30, safe))))
        let digest = der(0x30, [0x06, 5, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0])
        let mac = der(0x30, der(0x30, digest, der(0x04, [UInt8](repeating: 1, count: 20))), salt, integer(macRounds))
        return der(0x30, [0x02, 1, 3], safes, mac)
    }

    // MARK: Plain PKCS#12

    /// A PKCS#12 file with one safe that is not encrypted, and without a MAC.
    func plainFile(_ bags: [UInt8]...) -> [UInt8] {
        let safe = der(0x30, data, der(0xa0, der(0x04, der(0x30, bags.flatMap { $0 }))))
        return der(0x30, [0x02, 1, 3], der(0x30, data, der(0xa0, der(0x04, der(0x30, safe)))))
    }

    /// An entry of type 1.2.840.113549.1.12.10.1.`kind` (RFC 7292 section 4.2).
    func bag(_ kind: UInt8, _ content: [UInt8]) -> [UInt8] {
        der(0x30, [0x06, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, kind], der(0xa0, content))
    }

    func certificateBag(_ certificate: [UInt8]) -> [UInt8] {
        let kind: [UInt8] = [0x06, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x16, 0x01]
        return bag(3, der(0x30, kind, der(0xa0, der(0x04, certificate))))
    }
}
