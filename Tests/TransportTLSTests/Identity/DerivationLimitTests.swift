import NodeTransport
import Testing
import TransportTLS

/// Files that ask for years of key derivation. The tests end, so none of it was done.
@Suite(.timeLimit(.minutes(2))) struct DerivationLimitTests {
    /// One element of DER.
    private func der(_ tag: UInt8, _ parts: [UInt8]...) -> [UInt8] {
        let content = parts.flatMap { $0 }
        if content.count < 0x80 { return [tag, UInt8(content.count)] + content }
        return [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xff)] + content
    }

    private func integer(_ value: UInt64) -> [UInt8] {
        let digits = stride(from: 56, through: 0, by: -8).map { UInt8(value >> UInt64($0) & 0xff) }
        let shortest = Array(digits.drop { $0 == 0 })
        return der(0x02, shortest.first.map { $0 >= 0x80 } ?? true ? [0] + shortest : shortest)
    }

    private let salt: [UInt8] = [0x04, 8, 1, 2, 3, 4, 5, 6, 7, 8]
    private let pbes2: [UInt8] = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d]
    private let pbkdf2: [UInt8] = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c]
    private let scrypt: [UInt8] = [0x06, 9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b]
    private let tripleDES: [UInt8] = [0x06, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03]
    private let data: [UInt8] = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01]
    private let encryptedData: [UInt8] = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06]

    private var aes256: [UInt8] {
        der(
            0x30,
            [0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a],
            der(0x04, [UInt8](repeating: 7, count: 16))
        )
    }

    /// PBES2 (RFC 8018) with a derivation that has these parameters behind the salt.
    private func modern(_ derivation: [UInt8], _ parameters: [UInt8]...) -> [UInt8] {
        let function = der(0x30, derivation, der(0x30, salt, parameters.flatMap { $0 }))
        return der(0x30, pbes2, der(0x30, function, aes256))
    }

    /// An encryption of PKCS#12 (RFC 7292 appendix C).
    private func old(_ rounds: UInt64) -> [UInt8] { der(0x30, tripleDES, der(0x30, salt, integer(rounds))) }

    private let sealed = [UInt8](repeating: 9, count: 64)

    private func encryptedKey(_ algorithm: [UInt8]) -> [UInt8] { der(0x30, algorithm, der(0x04, sealed)) }

    /// A PKCS#12 file with one encrypted safe and a MAC.
    private func file(_ algorithm: [UInt8], macRounds: UInt64) -> [UInt8] {
        let content = der(0x30, data, algorithm, der(0x80, sealed))
        let safe = der(0x30, encryptedData, der(0xa0, der(0x30, [0x02, 1, 0], content)))
        let safes = der(0x30, data, der(0xa0, der(0x04, der(0x30, safe))))
        let digest = der(0x30, [0x06, 5, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0])
        let mac = der(0x30, der(0x30, digest, der(0x04, [UInt8](repeating: 1, count: 20))), salt, integer(macRounds))
        return der(0x30, [0x02, 1, 3], safes, mac)
    }

    private let enormous: [UInt64] = [10_000_001, 1 << 31, 1 << 40, .max]

    @Test func `an encrypted key is refused before its passphrase is tried`() throws {
        let certificate = try Authority().ca.issue(name: "node-a").certificatePEM
        let algorithms =
            enormous.flatMap {
                [modern(pbkdf2, integer($0)), old($0), modern(scrypt, integer($0), integer(8), integer(1))]
            }
            + [modern(scrypt, integer(1 << 14), integer(1), integer(1 << 16))]
        for algorithm in algorithms {
            let error = #expect(throws: TLSError.self) {
                try Identity(certificates: certificate, key: Bytes(encryptedKey(algorithm)), passphrase: "open-sesame")
            }
            #expect(error?.code == .excessiveWork, "\(String(describing: error))")
        }
        // The same within the limit is tried.
        for algorithm in [modern(pbkdf2, integer(9)), old(9), modern(scrypt, integer(16), integer(1), integer(1))] {
            let error = #expect(throws: TLSError.self) {
                try Identity(certificates: certificate, key: Bytes(encryptedKey(algorithm)), passphrase: "open-sesame")
            }
            #expect(error?.code == .wrongPassphrase, "\(String(describing: error))")
        }
    }

    @Test func `a PKCS#12 file is refused before its passphrase is tried`() {
        var files = enormous.flatMap { [file(old($0), macRounds: 1), file(old(1), macRounds: $0)] }
        files += enormous.map { file(modern(pbkdf2, integer($0)), macRounds: 1) }
        // Each within the limit, both together beyond it.
        files.append(file(old(6_000_000), macRounds: 6_000_000))
        for file in files {
            let error = #expect(throws: TLSError.self) { try Identity(pkcs12: Bytes(file), passphrase: "open-sesame") }
            #expect(error?.code == .excessiveWork, "\(String(describing: error))")
        }
        let error = #expect(throws: TLSError.self) {
            try Identity(pkcs12: Bytes(file(old(9), macRounds: 9)), passphrase: "open-sesame")
        }
        #expect(error?.code == .wrongPassphrase, "\(String(describing: error))")
    }

    @Test func `a count of zero or below is malformed`() {
        for rounds in [[0x02, 1, 0], [0x02, 1, 0xff]] as [[UInt8]] {
            let algorithm = der(0x30, tripleDES, der(0x30, salt, rounds))
            let error = #expect(throws: TLSError.self) {
                try Identity(certificates: Bytes(), key: Bytes(encryptedKey(algorithm)), passphrase: "open-sesame")
            }
            #expect(error?.code == .malformedKey, "\(String(describing: error))")
        }
    }
}
