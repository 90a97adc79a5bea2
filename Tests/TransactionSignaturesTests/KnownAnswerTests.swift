import NodeTransport
import Testing

@testable import TransactionSignatures

@Suite("Published vectors")
struct KnownAnswerTests {
    private struct RFC8032: Decodable {
        let tests: [Test]

        struct Test: Decodable {
            let name: String
            let seed, publicKey, msg, sig: Hex
        }
    }

    @Test func `Ed25519 signs as RFC 8032 does`() throws {
        let tests = try Vectors.read("rfc8032", as: RFC8032.self).tests
        try #require(tests.count == 4)
        for test in tests {
            let key = try SigningKey(.ed25519, seed: test.seed.bytes)
            #expect(key.publicKey.rawRepresentation == test.publicKey.bytes, "\(test.name)")
            #expect(try key.sign(test.msg.bytes) == test.sig.bytes, "\(test.name)")
            #expect(key.publicKey.isValid(test.sig.bytes, for: test.msg.bytes), "\(test.name)")
        }
    }

    @Test(arguments: [("ed25519", 61), ("mldsa_65_verify", 16), ("mldsa_87_verify", 18)])
    func `What is valid, and nothing else, is valid`(file: String, count: Int) throws {
        var checked = 0
        for group in try Vectors.read(file, as: WycheproofFile.self).testGroups {
            let bytes = try #require(group.publicKey).bytes
            let key = try? VerificationKey(rawRepresentation: bytes)
            for test in group.tests {
                checked += 1
                let isValid =
                    key?.isValid(
                        try #require(test.sig).bytes, for: test.msg.bytes, context: test.ctx?.bytes ?? Bytes())
                    ?? false
                #expect(isValid == test.isValid, "\(file) \(test.tcId): \(test.comment)")
            }
        }
        #expect(checked == count)
    }

    @Test(arguments: [("mldsa_65_sign_seed", SignatureAlgorithm.mlDSA65), ("mldsa_87_sign_seed", .mlDSA87)])
    func `A seed gives the key that others derive from it`(file: String, algorithm: SignatureAlgorithm) throws {
        var (keys, encodedKeys) = (0, 0)
        for group in try Vectors.read(file, as: WycheproofFile.self).testGroups {
            let seed = try #require(group.privateSeed).bytes
            guard seed.count == 32 else {
                #expect(throws: SignatureError.self) { try SigningKey(algorithm, seed: seed) }
                continue
            }
            keys += 1
            let key = try SigningKey(algorithm, seed: seed)
            #expect(key.publicKey.rawRepresentation == group.publicKey?.bytes)
            if let encoded = group.privateKeyPkcs8?.bytes {
                let decoded = try SigningKey(pkcs8: encoded)
                #expect(decoded.algorithm == algorithm)
                #expect(decoded.seed == seed)
                encodedKeys += 1
            }
            for test in group.tests {
                let context = test.ctx?.bytes ?? Bytes()
                guard test.isValid else {
                    #expect(throws: SignatureError.self) { try key.sign(test.msg.bytes, context: context) }
                    continue
                }
                let signature = try #require(test.sig).bytes
                #expect(key.publicKey.isValid(signature, for: test.msg.bytes, context: context), "\(test.tcId)")
                let own = try key.sign(test.msg.bytes, context: context)
                #expect(key.publicKey.isValid(own, for: test.msg.bytes, context: context), "\(test.tcId)")
            }
        }
        #expect(keys == 4)
        #expect(encodedKeys >= 1)
    }
}
