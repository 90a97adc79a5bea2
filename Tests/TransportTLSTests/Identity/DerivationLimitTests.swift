import NodeTransport
import Testing
import TransportTLS

/// Files that ask for years of key derivation. The tests end, so none of it was done.
@Suite(.timeLimit(.minutes(2))) struct DerivationLimitTests {
    private let make = HandmadeDER()
    private let enormous: [UInt64] = [10_000_001, 1 << 31, 1 << 40, .max]

    /// An encryption by scrypt (RFC 7914).
    private func scrypt(_ cost: UInt64, _ size: UInt64, _ lanes: UInt64) -> [UInt8] {
        make.modern(make.scrypt, make.integer(cost), make.integer(size), make.integer(lanes))
    }

    private func refusal(_ algorithm: [UInt8]) throws -> TLSError? {
        let certificate = try Authority().ca.issue(name: "node-a").certificatePEM
        let key = Bytes(make.encryptedKey(algorithm))
        return #expect(throws: TLSError.self) {
            try Identity(certificates: certificate, key: key, passphrase: "open-sesame")
        }
    }

    @Test func `an encrypted key is refused before its passphrase is tried`() throws {
        var algorithms = enormous.flatMap {
            [make.modern(make.pbkdf2, make.integer($0)), make.old($0), scrypt($0, 8, 1)]
        }
        algorithms.append(scrypt(1 << 14, 1, 1 << 16))
        // More than any machine's number holds.
        let count = make.der(0x02, [1] + [UInt8](repeating: 0, count: 20))
        algorithms.append(make.der(0x30, make.tripleDES, make.der(0x30, make.salt, count)))
        for algorithm in algorithms { #expect(try refusal(algorithm)?.code == .excessiveWork) }
        // The same within the limit is tried.
        for algorithm in [make.modern(make.pbkdf2, make.integer(9)), make.old(9), scrypt(16, 1, 1)] {
            #expect(try refusal(algorithm)?.code == .wrongPassphrase)
        }
    }

    @Test func `a PKCS#12 file is refused before its passphrase is tried`() {
        var files = enormous.flatMap { [make.file(make.old($0), macRounds: 1), make.file(make.old(1), macRounds: $0)] }
        files += enormous.map { make.file(make.modern(make.pbkdf2, make.integer($0)), macRounds: 1) }
        // Each within the limit, both together beyond it.
        files.append(make.file(make.old(6_000_000), macRounds: 6_000_000))
        for file in files {
            let error = #expect(throws: TLSError.self) { try Identity(pkcs12: Bytes(file), passphrase: "open-sesame") }
            #expect(error?.code == .excessiveWork, "\(String(describing: error))")
        }
        let error = #expect(throws: TLSError.self) {
            try Identity(pkcs12: Bytes(make.file(make.old(9), macRounds: 9)), passphrase: "open-sesame")
        }
        #expect(error?.code == .wrongPassphrase, "\(String(describing: error))")
    }

    @Test func `a count of zero or below is malformed`() throws {
        for rounds in [[0x02, 1, 0], [0x02, 1, 0xff]] as [[UInt8]] {
            let algorithm = make.der(0x30, make.tripleDES, make.der(0x30, make.salt, rounds))
            #expect(try refusal(algorithm)?.code == .malformedKey)
        }
    }
}
