import NodeTransport
import Testing

@testable import TransactionSignatures

@Suite("Signing and checking")
struct SigningTests {
    private let message = Bytes(utf8: "message")

    @Test(arguments: SignatureAlgorithm.all)
    func `A signature is valid for its message and its key alone`(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let signature = try key.sign(message)
        #expect(signature.count == algorithm.signatureByteCount)
        #expect(key.publicKey.rawRepresentation.count == algorithm.publicKeyByteCount)
        #expect(key.publicKey.isValid(signature, for: message))
        #expect(!key.publicKey.isValid(signature, for: Bytes(utf8: "massage")))
        #expect(!(try SigningKey.generate(algorithm).publicKey.isValid(signature, for: message)))
        #expect(!key.publicKey.isValid(Bytes(), for: message))
        #expect(!key.publicKey.isValid(Bytes(signature.dropLast()), for: message))
        #expect(!key.publicKey.isValid(Bytes(Array(signature) + [0]), for: message))
        for place in [0, signature.count / 2, signature.count - 1] {
            var changed = Array(signature)
            changed[place] ^= 1
            #expect(!key.publicKey.isValid(Bytes(changed), for: message))
        }
        let empty = try key.sign(Bytes())
        #expect(key.publicKey.isValid(empty, for: Bytes()))
    }

    @Test(arguments: SignatureAlgorithm.all)
    func `A public key is recognized by its length`(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let parsed = try VerificationKey(rawRepresentation: key.publicKey.rawRepresentation)
        #expect(parsed.algorithm == algorithm)
        #expect(parsed == key.publicKey)
        #expect(parsed.isValid(try key.sign(message), for: message))
        for length in [0, algorithm.publicKeyByteCount - 1, algorithm.publicKeyByteCount + 1] {
            let error = #expect(throws: SignatureError.self) {
                try VerificationKey(rawRepresentation: Bytes([UInt8](repeating: 1, count: length)))
            }
            #expect(error?.code == .malformedKey)
            #expect(error?.message.hasPrefix("\(length) bytes") == true)
        }
    }

    @Test(arguments: [SignatureAlgorithm.mlDSA65, .mlDSA87])
    func `A context keeps signatures for different purposes apart`(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let context = Bytes([UInt8](repeating: 7, count: 255))
        let signature = try key.sign(message, context: context)
        #expect(key.publicKey.isValid(signature, for: message, context: context))
        #expect(!key.publicKey.isValid(signature, for: message))
        #expect(!key.publicKey.isValid(signature, for: message, context: Bytes(context.dropLast())))
        let tooLong = Bytes(Array(context) + [7])
        #expect(!key.publicKey.isValid(signature, for: message, context: tooLong))
        let error = #expect(throws: SignatureError.self) { try key.sign(message, context: tooLong) }
        #expect(error?.code == .invalidContext)
    }

    @Test func `Ed25519 has no context`() throws {
        let key = SigningKey()
        #expect(key.algorithm == .ed25519)
        let error = #expect(throws: SignatureError.self) { try key.sign(message, context: [1]) }
        #expect(error?.code == .invalidContext)
        #expect(!key.publicKey.isValid(try key.sign(message), for: message, context: [1]))
    }

    @Test(arguments: SignatureAlgorithm.all)
    func `Names are found in upper and lower case`(algorithm: SignatureAlgorithm) {
        #expect(SignatureAlgorithm(named: algorithm.name) == algorithm)
        #expect(SignatureAlgorithm(named: algorithm.name.lowercased()) == algorithm)
        #expect(SignatureAlgorithm(named: algorithm.name + "x") == nil)
    }

    @Test(arguments: SignatureAlgorithm.all)
    func `Nothing that prints a key shows it`(algorithm: SignatureAlgorithm) throws {
        let seed = Bytes(0..<32)
        let key = try SigningKey(algorithm, seed: seed)
        struct Holder { let key: SigningKey }
        var dumped = ""
        dump(Holder(key: key), to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped, "\(Holder(key: key))"] {
            #expect(text.contains(algorithm.name))
            #expect(!text.contains("000102"))
            #expect(!text.contains("0, 1, 2"))
            #expect(!text.contains("PrivateKey"))
        }
    }
}
