import CSystem
import EventLoops
import Glibc
import Testing

@Suite("Internet addresses", .timeLimit(.minutes(5)))
struct InternetAddressTests {
    @Test(arguments: ["127.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::a:0:0:1"])
    func areTheTextTheyWereParsedFrom(text: String) throws {
        let address = try #require(InternetAddress(text, port: 4433))
        #expect(address.host == text)
        #expect(address.port == 4433)
        #expect(address.description == (text.contains(":") ? "[\(text)]:4433" : "\(text):4433"))
    }

    @Test(arguments: ["", "localhost", "1.2.3", "1.2.3.4.5", "::1%no-such-interface", "12345::"])
    func areNotMadeOfOtherText(text: String) {
        #expect(InternetAddress(text, port: 1) == nil)
    }

    @Test func areOneValueForAPeerWhateverSocketItCameThrough() throws {
        let mapped = try #require(InternetAddress("::ffff:192.0.2.1", port: 9))
        #expect(mapped == InternetAddress("192.0.2.1", port: 9))
        #expect(mapped.family == .ipv4)
        #expect(mapped.hashValue == InternetAddress("192.0.2.1", port: 9)?.hashValue)
    }

    @Test func differWhereAnyPartDoes() throws {
        let texts = ["0.0.0.1", "::1", "1::1", "1::", "0.0.0.2"]
        let addresses = try texts.flatMap { text in
            try [1, 2].map { try #require(InternetAddress(text, port: $0)) }
        }
        #expect(Set(addresses).count == 10)
        let linkLocal = (1...2).map { InternetAddress(ipv6: 0xfe80 << 48, 1, scope: UInt32($0), port: 1) }
        #expect(linkLocal[0] != linkLocal[1])
    }

    @Test(arguments: ["203.0.113.7", "2001:db8::1:2:3"])
    func surviveTheKernelsForm(text: String) throws {
        let address = try #require(InternetAddress(text, port: 65_535))
        let back = SocketAddress.internet(address).withPointer { pointer, length in
            var storage = sockaddr_storage()
            unsafe withUnsafeMutableBytes(of: &storage) { bytes in
                unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: Int(length)))
            }
            return SocketAddress(storage: storage)
        }
        #expect(back == .internet(address))
    }

    @Test func aPathThatTheKernelDoesNotTakeMakesNoAddress() {
        #expect(SocketAddress(unixPath: "/tmp/a.sock") == .unix("/tmp/a.sock"))
        #expect(SocketAddress(unixPath: String(repeating: "a", count: 107)) != nil)
        #expect(SocketAddress(unixPath: String(repeating: "a", count: 108)) == nil)
    }

    @Test func aNameIsLookedUp() async throws {
        let addresses = try await NameLookup.addresses(of: "localhost", port: 7)
        #expect(addresses.allSatisfy { $0 == .loopback($0.family, port: 7) || $0.host.hasPrefix("127.") })
        await #expect(throws: NameLookup.Failure.self) {
            try await NameLookup.addresses(of: "no-such-name.invalid", port: 7)
        }
    }
}
