import NodeTransport
import Testing

@Suite("Endpoints")
struct EndpointTests {
    @Test(
        "are printed as they are parsed",
        arguments: [
            "grpc://127.0.0.1:50051", "grpc://node-7.city.example:443", "quic://[::1]:4433", "udp://10.0.0.1:0",
            "http://localhost:8080", "dns:///node-7.example:443", "srv:///_ledger._tcp.example",
            "unix:///run/node.sock",
            "memory://test", "grpc://[fe80::1%eth0]:1", "grpc://[::ffff:1.2.3.4]:65535", "grpc://under_score.x:1",
            "grpc://example.com.:1", "unix:///with space/and?odd#chars", "etcd:///ledger", "etcd:///prod/ledger.v1",
            "grpc://node-7.example:443@10.0.0.7", "quic://node-7.example:443@[fe80::1%eth0]",
        ])
    func roundTrip(_ text: String) throws {
        let endpoint = try Endpoint(parsing: text)
        #expect(endpoint.description == text)
        #expect(try Endpoint(parsing: endpoint.description) == endpoint)
    }

    @Test(
        "have more than one spelling",
        arguments: [
            ("127.0.0.1:1", "grpc://127.0.0.1:1"), ("[::1]:1", "grpc://[::1]:1"), ("host:1", "grpc://host:1"),
            ("GRPC://host:1", "grpc://host:1"), ("grpc://host:1/", "grpc://host:1"),
            ("grpc://host:0080", "grpc://host:80"),
        ])
    func spellings(text: String, canonical: String) throws {
        #expect(try Endpoint(parsing: text).description == canonical)
    }

    @Test(
        "refuse bad text with a reason",
        arguments: [
            ("", "it is empty"),
            ("host", "needs a port"),
            ("grpc://", "needs a port"),
            ("grpc://:1", "the host is missing"),
            ("grpc://host:", "port \"\" is not a number"),
            ("grpc://host:x", "port \"x\" is not a number"),
            ("grpc://host:-1", "port \"-1\" is not a number"),
            ("grpc://host:65536", "is not a number within 0...65535"),
            ("grpc://host:99999999999999999999", "is not a number within 0...65535"),
            ("grpc://host:١", "is not a number"),
            ("grpc://host:1/path", "has \"/\""),
            ("grpc://user@host:1", "has \"@\""),
            ("etcd://ledger", "needs three slashes"),
            ("etcd:///", "\"\" is not the name of a service"),
            ("etcd:///a//b", "is not the name of a service"),
            ("grpc://host:1@host", "has \"@\""),
            ("grpc://host@10.0.0.7", "needs a port"),
            ("grpc://10.0.0.1:1@10.0.0.7", "an address stands before '@' already"),
            ("grpc://host:1@[x]", "\"[x]\" after '@' is not an address"),
            ("grpc://host:1@[::1", "\"[::1\" after '@' is not an address"),
            ("grpc://ho st:1", "has \" \""),
            ("grpc://host:1?q", "has \"?\""),
            ("ftp://host:1", "unknown scheme \"ftp\"; known are grpc, quic, udp"),
            ("://host:1", "unknown scheme \"\""),
            ("grpc://::1:1", "an IPv6 address stands in brackets"),
            ("grpc://[::1]", "needs a port, as in [::1]:50051"),
            ("grpc://[::1", "'[' without ']'"),
            ("grpc://[]:1", "\"\" is not an IPv6 address"),
            ("grpc://[1:]:1", "is not an IPv6 address"),
            ("grpc://[:1]:1", "is not an IPv6 address"),
            ("grpc://[:::]:1", "is not an IPv6 address"),
            ("grpc://[%eth0]:1", "is not an IPv6 address"),
            ("grpc://[1:2]:1", "is not an IPv6 address"),
            ("grpc://[::1::]:1", "is not an IPv6 address"),
            ("grpc://[1:2:3:4:5:6:7:8:9]:1", "is not an IPv6 address"),
            ("grpc://[12345::]:1", "is not an IPv6 address"),
            ("grpc://[::1%]:1", "is not an IPv6 address"),
            ("grpc://256.1.1.1:1", "\"256.1.1.1\" is not an IPv4 address"),
            ("grpc://1.2.3:1", "\"1.2.3\" is not an IPv4 address"),
            ("grpc://01.2.3.4:1", "\"01.2.3.4\" is not an IPv4 address"),
            ("grpc://a..b:1", "\"a..b\" is not a host name"),
            ("grpc://größe:1", "\"größe\" is not a host name"),
            ("grpc://\(String(repeating: "a", count: 64)):1", "is not a host name"),
            ("dns://host:1", "needs three slashes"),
            ("srv:///", "\"\" is not a DNS name"),
            ("unix://relative", "needs an absolute path"),
            ("unix:///\(String(repeating: "a", count: 107))", "longer than 107 bytes"),
            ("unix:///a\0b", "has a zero byte"),
            ("memory://", "\"\" is not a name"),
            ("memory://a/b", "\"a/b\" is not a name"),
        ])
    func badText(text: String, reason: String) throws {
        let error = try #require(throws: TransportError.self) { try Endpoint(parsing: text) }
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(reason), "\(error)")
        #expect(error.message.hasPrefix("endpoint \"\(text)\""), "the message quotes the text")
    }

    @Test func whatIsInThem() throws {
        let endpoint = try Endpoint(parsing: "quic://[::1]:4433")
        #expect(endpoint.host == "::1")
        #expect(endpoint.port == 4433)
        #expect(endpoint.authority == "[::1]:4433")
        #expect(endpoint.withPort(1).description == "quic://[::1]:1")
        let path = try Endpoint(parsing: "unix:///run/node.sock")
        #expect(path.host == nil && path.port == nil)
        #expect(path.authority == "localhost")
        #expect(path.withPort(1) == path)
    }

    @Test("Random text never traps")
    func randomText() {
        var generator = SystemRandomNumberGenerator()
        let pieces = [
            "grpc", "://", "[", "]", ":", "::", ".", "%", "1", "65536", "a", "é", "\0", "/", "unix", "dns", "?",
        ]
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 0...8, using: &generator)).map { _ in pieces.randomElement() ?? "" }.joined()
            guard let endpoint = try? Endpoint(parsing: text) else { continue }
            #expect((try? Endpoint(parsing: endpoint.description)) == endpoint, "\(text)")
        }
    }

    @Test func aLookUpKeepsTheNameThatIsToBeProved() throws {
        let endpoint = try Endpoint(parsing: "quic://node-7.example:443")
        let resolved = endpoint.resolved(to: .ipv4("10.0.0.7"))
        #expect(resolved.host == "node-7.example")
        #expect(resolved.resolvedHost == .ipv4("10.0.0.7"))
        #expect(resolved != endpoint)
        #expect(resolved.withPort(1).description == "quic://node-7.example:1@10.0.0.7")
        #expect(resolved.withScheme(.grpc).description == "grpc://node-7.example:443@10.0.0.7")
        #expect(endpoint.resolved(to: .ipv6("::1"), port: 8).description == "quic://node-7.example:8@[::1]")
        #expect(endpoint.resolved(to: .name("other")) == endpoint)
        #expect(
            try Endpoint(parsing: "grpc://10.0.0.1:1").resolved(to: .ipv4("10.0.0.2")).description
                == "grpc://10.0.0.2:1")
    }
}
