import NodeTransport
import Testing

@testable import TransportTLS

@Suite("What certificates say")
struct CertificateSummaryTests {
    private let now = WallTime(secondsSince1970: 1_800_000_000)

    private func summary(dns: [String] = [], ip: [String] = [], days: Int = 10) throws -> CertificateSummary {
        let authority = try DevelopmentCA.create(now: now)
        let issued = try authority.issue(name: "node", dnsNames: dns, ipAddresses: ip, validDays: days, now: now)
        return try #require(try CertificateSummary.all(in: issued.certificatePEM).first)
    }

    @Test func `Every certificate of a file is told, with its place`() throws {
        let authority = try DevelopmentCA.create(commonName: "Authority", now: now)
        let issued = try authority.issue(name: "node", uris: ["spiffe://example.org/node"], now: now)
        let text = Bytes(
            Array(issued.keyPEM) + Array(issued.certificatePEM) + Array(authority.certificatePEM))
        let all = try CertificateSummary.all(in: text)
        #expect(all.map(\.subject) == ["CN=node", "CN=Authority"])
        #expect(all.map(\.issuer) == ["CN=Authority", "CN=Authority"])
        #expect(all.map(\.block) == [2, 3])
        #expect(all.map(\.isAuthority) == [false, true])
        #expect(all.map(\.keyType) == ["EC P-256", "EC P-256"])
        #expect(all[0].names == [.uri("spiffe://example.org/node")])
        #expect(all[0].fingerprint != all[1].fingerprint)
        let identity = try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM, now: now)
        #expect(all[0].fingerprint == identity.fingerprint)
        #expect(all[0].publicKeyFingerprint == identity.publicKeyFingerprint)
    }

    @Test func `Days are whole ones that are left`() throws {
        let summary = try summary(days: 10)
        let end = summary.notAfter
        #expect(summary.daysLeft(at: now) == 10)
        #expect(summary.daysLeft(at: end.adding(seconds: -86_401)) == 1)
        #expect(summary.daysLeft(at: end.adding(seconds: -86_399)) == 0)
        #expect(summary.daysLeft(at: end) == 0)
        #expect(summary.daysLeft(at: end.adding(seconds: 1)) == -1)
        #expect(summary.daysLeft(at: end.adding(seconds: 86_401)) == -2)
        #expect(summary.daysLeft(at: WallTime(secondsSince1970: .min)) == .max)
        #expect(summary.daysLeft(at: WallTime(secondsSince1970: .max)) < -1_000_000)
    }

    @Test func `A name is looked for as a connection looks for it`() throws {
        let summary = try summary(dns: ["a.example.org", "*.b.example.org"], ip: ["192.0.2.7", "2001:db8::7"])
        for host in [
            "a.example.org", "A.example.org", "x.b.example.org", "192.0.2.7", "2001:db8:0::7", "[2001:db8::7]",
        ] {
            #expect(summary.isFor(host: host), "\(host)")
        }
        for host in ["node", "", "example.org", "x.y.b.example.org", "192.0.2.8", "a.example.org\0.evil"] {
            #expect(!summary.isFor(host: host), "\(host)")
        }
    }

    @Test func `A key of a kind that is not known is told by its identifier`() throws {
        var der = Array(try summary().der)
        // id-ecPublicKey, 1.2.840.10045.2.1, becomes an identifier that nobody has: ….2.99.
        let identifier: [UInt8] = [0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]
        let place = try #require(der.firstRange(of: identifier))
        der[place.upperBound - 1] = 99
        let all = try CertificateSummary.all(in: PEMBlock.encode(label: "CERTIFICATE", der))
        #expect(all.map(\.keyType) == ["1.2.840.10045.2.99"])
    }

    @Test func `What is not a certificate is refused with its source`() {
        let error = #expect(throws: TLSError.self) {
            try CertificateSummary.all(in: Bytes(utf8: "nothing"), source: "file.pem")
        }
        #expect(error?.file == "file.pem")
    }
}
