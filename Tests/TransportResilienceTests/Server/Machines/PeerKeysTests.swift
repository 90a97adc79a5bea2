import NodeTransport
import Testing

@testable import TransportResilience

@Suite struct PeerKeysTests {
    private func key(_ host: String) throws -> AddressKey? { try AddressKey(Endpoint(parsing: "grpc://\(host):1")) }

    @Test func anIPv4AddressCountsWhole() throws {
        #expect(try key("10.1.2.3") == .v4(0x0a01_0203))
        #expect(try key("10.1.2.3") != key("10.1.2.4"))
    }

    private static let prefixes: [(String, UInt64)] = [
        ("[2001:db8:1:2:3:4:5:6]", 0x2001_0db8_0001_0002), ("[2001:db8:1:2::9]", 0x2001_0db8_0001_0002),
        ("[2001:db8::]", 0x2001_0db8_0000_0000), ("[::1]", 0), ("[fe80::1%eth0]", 0xfe80_0000_0000_0000),
        ("[64:ff9b::192.0.2.7]", 0x0064_ff9b_0000_0000), ("[1:2:3:4:5:6:7::]", 0x0001_0002_0003_0004),
    ]

    @Test(arguments: prefixes)
    func ofIPv6TheFirst64BitsCount(host: String, prefix: UInt64) throws {
        #expect(try key(host) == .v6(prefix))
    }

    @Test func anIPv4AddressIsTheSameInIPv6sClothes() throws {
        #expect(try key("[::ffff:10.1.2.3]") == key("10.1.2.3"))
        #expect(try key("[::ffff:a01:203]") == key("10.1.2.3"))
    }

    @Test func whatHasNoAddressIsNotCounted() throws {
        #expect(try key("name.example") == nil)
        #expect(try AddressKey(Endpoint(parsing: "unix:///run/node.sock")) == nil)
        #expect(try AddressKey(Endpoint(parsing: "memory://client-1")) == nil)
    }

    @Test func anIdentityIsItsKeyOrItsName() throws {
        let keys = try [1, 2].map { try #require(Fingerprint(bytes: Bytes([UInt8](repeating: $0, count: 32)))) }
        func peer(_ key: Int, _ names: [PeerName]) -> PeerIdentity {
            PeerIdentity(
                names: names, commonName: "x", fingerprint: keys[0], publicKeyFingerprint: keys[key], chain: [])
        }
        let names: [PeerName] = [.dns("a.example"), .uri("spiffe://example/a")]
        #expect(IdentityCountKey(peer(0, names), by: .publicKey) != IdentityCountKey(peer(1, names), by: .publicKey))
        #expect(IdentityCountKey(peer(0, names), by: .name) == IdentityCountKey(peer(1, names), by: .name))
        #expect(IdentityCountKey(peer(0, names), by: .name) == .name(.uri("spiffe://example/a")))
        #expect(IdentityCountKey(peer(0, [.dns("a.example")]), by: .name) == .name(.dns("a.example")))
        #expect(IdentityCountKey(peer(1, [.email("a@b")]), by: .name) == .publicKey(keys[1]))
    }
}
