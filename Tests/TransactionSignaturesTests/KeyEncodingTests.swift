import NodeTransport
import Testing

@testable import TransactionSignatures

@Suite("Keys as PKCS#8 and SubjectPublicKeyInfo")
struct KeyEncodingTests {
    private func pem(_ label: String, _ der: [UInt8]) -> Bytes { KeyText.pem(label, der) }

    /// A DER value: tag, length, content.
    private func der(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        switch content.count {
        case ..<128: [tag, UInt8(content.count)] + content
        case ..<256: [tag, 0x81, UInt8(content.count)] + content
        default: [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xff)] + content
        }
    }

    private func identifier(_ algorithm: SignatureAlgorithm) -> [UInt8] {
        switch algorithm {
        case .ed25519: [0x06, 3, 0x2b, 0x65, 0x70]
        case .mlDSA65: [0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 3, 4, 3, 0x12]
        default: [0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 3, 4, 3, 0x13]
        }
    }

    private func pkcs8(
        _ algorithm: SignatureAlgorithm, _ content: [UInt8], parameters: [UInt8] = [], version: UInt8 = 0,
        more: [UInt8] = []
    ) -> [UInt8] {
        der(
            0x30,
            der(0x02, [version]) + der(0x30, identifier(algorithm) + parameters) + der(0x04, content) + more)
    }

    private func refusal(_ contents: [UInt8]) -> SignatureError.Code? { refusal(Bytes(contents)) }

    private func refusal(_ contents: Bytes) -> SignatureError.Code? {
        do throws(SignatureError) {
            _ = try SigningKey(pkcs8: contents, source: "test")
            return nil
        } catch {
            #expect(error.file == "test")
            #expect(error.description.hasPrefix("test: "))
            return error.code
        }
    }

    @Test(arguments: SignatureAlgorithm.all)
    func `A key comes back as it was written`(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let back = try SigningKey(pkcs8: key.pkcs8PEM)
        #expect(back.seed == key.seed)
        #expect(back.publicKey == key.publicKey)
        #expect(try VerificationKey(spki: key.publicKey.pem) == key.publicKey)
        #expect(try VerificationKey(spki: key.publicKey.der) == key.publicKey)
        let content = algorithm == .ed25519 ? der(0x04, Array(key.seed)) : der(0x80, Array(key.seed))
        #expect(key.pkcs8PEM == pem("PRIVATE KEY", pkcs8(algorithm, content)))
    }

    @Test(arguments: [SignatureAlgorithm.mlDSA65, .mlDSA87])
    func `Of the three forms of ML-DSA keys the expanded one alone is refused`(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let count = try #require(algorithm.expandedKeyByteCount)
        let expanded = Array(key.publicKey.rawRepresentation.prefix(32)) + [UInt8](repeating: 1, count: count - 32)
        let both = der(0x30, der(0x04, Array(key.seed)) + der(0x04, expanded))
        #expect(try SigningKey(pkcs8: Bytes(pkcs8(algorithm, both))).seed == key.seed)
        #expect(refusal(pkcs8(algorithm, der(0x04, expanded))) == .expandedKeyOnly)
        let foreign = der(0x30, der(0x04, Array(key.seed)) + der(0x04, [UInt8](repeating: 1, count: count)))
        #expect(refusal(pkcs8(algorithm, foreign)) == .keyMismatch)
        let short = der(0x30, der(0x04, Array(key.seed)) + der(0x04, Array(expanded.dropLast())))
        #expect(refusal(pkcs8(algorithm, short)) == .malformedKey)
    }

    @Test func `A public key beside the private one must belong to it`() throws {
        let key = SigningKey()
        let content = der(0x04, Array(key.seed))
        let attributes: [UInt8] = [0xa0, 0]
        func more(_ key: VerificationKey) -> [UInt8] { attributes + der(0x81, [0] + Array(key.rawRepresentation)) }
        let own = Bytes(pkcs8(.ed25519, content, version: 1, more: more(key.publicKey)))
        #expect(try SigningKey(pkcs8: own).seed == key.seed)
        #expect(refusal(pkcs8(.ed25519, content, version: 1, more: more(SigningKey().publicKey))) == .keyMismatch)
    }

    @Test func `What is not a key is refused with a reason`() throws {
        let seed = [UInt8](repeating: 9, count: 32)
        let good = pkcs8(.ed25519, der(0x04, seed))
        #expect(refusal(good) == nil)
        #expect(refusal(pkcs8(.ed25519, der(0x04, seed + [1]))) == .malformedKey)
        #expect(refusal(pkcs8(.mlDSA65, der(0x80, Array(seed.dropLast())))) == .malformedKey)
        #expect(refusal(pkcs8(.mlDSA65, der(0x81, seed))) == .malformedKey)
        #expect(refusal(pkcs8(.ed25519, der(0x04, seed), parameters: [5, 0])) == .malformedKey)
        #expect(refusal(pkcs8(.ed25519, der(0x04, seed), version: 2)) == .malformedKey)
        #expect(refusal(good + [0]) == .malformedKey)
        #expect(refusal(Array(good.dropLast())) == .malformedKey)
        let p256: [UInt8] = [
            0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
        ]
        let other = der(0x30, der(0x02, [0]) + der(0x30, p256) + der(0x04, [0x30, 0]))
        #expect(refusal(other) == .unsupportedAlgorithm)
        #expect(refusal(pem("EC PRIVATE KEY", good)) == .wrongBlockType)
        #expect(refusal(pem("ENCRYPTED PRIVATE KEY", good)) == .encryptedKey)
        #expect(refusal(Bytes(Array(pem("PRIVATE KEY", good)) + Array(pem("PRIVATE KEY", good)))) == .wrongBlockType)
        #expect(refusal(Bytes(pem("PRIVATE KEY", good).dropLast(20))) == .malformedPEM)
        #expect(refusal(Bytes()) == .malformedPEM)
        #expect(refusal(Bytes(utf8: "hello")) == .malformedPEM)
        #expect(refusal(Bytes([0xff, 0xfe, 0])) == .malformedPEM)
    }

    @Test func `A certificate beside the key is passed over`() throws {
        let key = SigningKey()
        let text = Bytes(Array("a comment\n".utf8) + Array(pem("CERTIFICATE", [0x30, 0])) + Array(key.pkcs8PEM))
        #expect(try SigningKey(pkcs8: text).seed == key.seed)
    }

    @Test func `Line ends may be those of Windows`() throws {
        let key = try SigningKey.generate(.mlDSA65)
        let text = String(decoding: key.pkcs8PEM, as: UTF8.self).split(separator: "\n").joined(separator: "\r\n")
        #expect(try SigningKey(pkcs8: Bytes(utf8: text + "\r\n")).seed == key.seed)
    }

    @Test func `Damaged keys are refused or other keys, and never end the program`() throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var random = SplitMix(state: seed)
        for algorithm in SignatureAlgorithm.all {
            let key = try SigningKey.generate(algorithm)
            let content = algorithm == .ed25519 ? der(0x04, Array(key.seed)) : der(0x80, Array(key.seed))
            for original in [pkcs8(algorithm, content), Array(key.pkcs8PEM), Array(key.publicKey.der)] {
                for _ in 0..<300 {
                    var damaged = original
                    for _ in 0..<Int.random(in: 1...4, using: &random) {
                        // Where the structure is, rather than in the middle of a key.
                        let place = Int.random(in: 0..<min(damaged.count, 64), using: &random)
                        damaged[place] = .random(in: .min ... .max, using: &random)
                    }
                    if Bool.random(using: &random) {
                        damaged.removeLast(Int.random(in: 0..<damaged.count, using: &random))
                    }
                    if let other = try? SigningKey(pkcs8: Bytes(damaged)) { #expect(other.seed.count == 32) }
                    if let other = try? VerificationKey(spki: Bytes(damaged)) {
                        #expect(other.rawRepresentation.count == other.algorithm.publicKeyByteCount)
                    }
                }
            }
        }
    }
}

/// A small random source that a seed determines.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
