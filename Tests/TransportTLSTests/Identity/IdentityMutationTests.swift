import NodeTransport
import Testing

@testable import TransportTLS

/// Files with random damage: an error or a good identity, never a trap, and soon.
@Suite(.timeLimit(.minutes(5))) struct IdentityMutationTests {
    /// SplitMix64: the same seed gives the same damage everywhere.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }
    }

    /// One to three of: bits flipped, bytes replaced, the end cut off, a stretch repeated or taken out.
    private func damaged(_ bytes: Bytes, _ generator: inout Generator) -> Bytes {
        var bytes = Array(bytes)
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            let end = min(bytes.count, place + Int.random(in: 1...200, using: &generator))
            switch Int.random(in: 0..<6, using: &generator) {
            case 0, 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: bytes[place] = UInt8.random(in: .min ... .max, using: &generator)
            case 3: bytes.removeLast(bytes.count - place)
            case 4: bytes.insert(contentsOf: bytes[place..<end], at: place)
            default: bytes.removeSubrange(place..<end)
            }
        }
        return Bytes(bytes)
    }

    /// By value: a point of a curve can be written in more than one way.
    private func isSameKey(_ identity: Identity, _ good: Identity) throws -> Bool {
        let leaf = try #require(Certificate(der: good.chain[0]))
        return identity.key.belongs(to: leaf)
    }

    private func makeFiles() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem")
        try folder.makeCertificate()
        try folder.openssl("x509 -in cert.pem -outform DER -out cert.der")
        try folder.openssl("crl2pkcs7 -nocrl -certfile cert.pem -outform DER -out cert.p7c")
        try folder.openssl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der")
        try folder.openssl("ec -in key.pem -outform DER -out old.der")
        try folder.openssl("ec -aes128 -in key.pem -passout pass:open-sesame -out headed.pem")
        try folder.openssl("pkcs8 -topk8 -in key.pem -iter 2 -passout pass:open-sesame -out encrypted.pem")
        try folder.openssl(
            "pkcs8 -topk8 -in key.pem -iter 2 -passout pass:open-sesame -outform DER -out encrypted.der")
        return folder
    }

    @Test(arguments: ["key.pem", "key.der", "old.der", "headed.pem", "encrypted.pem", "encrypted.der"])
    func `a damaged key or certificate does no harm`(keyFile: String) throws {
        let folder = try makeFiles()
        let seed = UInt64.random(in: .min ... .max)
        var generator = Generator(state: seed)
        let key = try folder.readBytes(keyFile)
        let certificates = try ["cert.pem", "cert.der", "cert.p7c"].map { try folder.readBytes($0) }
        let good = try Identity(certificates: certificates[0], key: key, passphrase: "open-sesame")
        var failures = 0
        for round in 0..<300 {
            let isKeyDamaged = round.isMultiple(of: 2)
            let certificate = certificates[round % certificates.count]
            let result = Result { () throws(TLSError) -> Identity in
                try Identity(
                    certificates: isKeyDamaged ? certificate : damaged(certificate, &generator),
                    key: isKeyDamaged ? damaged(key, &generator) : key,
                    passphrase: "open-sesame"
                )
            }
            switch result {
            case .success(let identity):
                #expect(try isSameKey(identity, good), "seed \(seed), round \(round)")
            case .failure(let error):
                failures += 1
                #expect(error.code != .internalFailure, "seed \(seed), round \(round): \(error)")
                #expect(error.file != nil, "seed \(seed), round \(round): \(error)")
            }
        }
        #expect(failures > 100, "seed \(seed)")
    }

    @Test(arguments: ["", "-legacy", "-nomac -keypbe NONE -certpbe NONE", "-nomac"])
    func `a damaged PKCS#12 file does no harm`(options: String) throws {
        let folder = try makeFiles()
        try folder.exportPKCS12("-inkey key.pem -in cert.pem \(options)")
        let seed = UInt64.random(in: .min ... .max)
        var generator = Generator(state: seed)
        let file = try folder.readBytes("id.p12")
        let good = try Identity(pkcs12: file, passphrase: "open-sesame")
        var failures = 0
        for round in 0..<300 {
            let result = Result { () throws(TLSError) -> Identity in
                try Identity(pkcs12: damaged(file, &generator), passphrase: "open-sesame")
            }
            switch result {
            case .success(let identity):
                #expect(try isSameKey(identity, good), "seed \(seed), round \(round)")
            case .failure(let error):
                failures += 1
                #expect(error.code != .internalFailure, "seed \(seed), round \(round): \(error)")
                #expect(error.file == "PKCS#12", "seed \(seed), round \(round): \(error)")
            }
        }
        #expect(failures > 100, "seed \(seed)")
    }
}
