import GRPCTransport
import NodeTransport
import TransportTLS

/// Servers that are sound but not the one that was asked for, and names beyond an authority's bounds.
extension RefusalCase {
    static let names: [RefusalCase] = [
        server("another host", [.dns("node.example")], askedFor: "other.example", has: "DNS:node.example"),
        server("another address", [.ip("127.0.0.9")], askedFor: "127.0.0.1", has: "IP:127.0.0.9"),
        server("another IPv6 address", [.ip("::2")], askedFor: "::1", has: "IP:::2"),
        server("no name but the common one", [], askedFor: "odd", has: "no name at all"),
        server("an address as host name", [.dns("127.0.0.1")], askedFor: "127.0.0.1", has: "DNS:127.0.0.1"),
        server("a host name as URI", [.uri("https://node.example/")], askedFor: "node.example", has: "URI:https"),
        server("a wildcard for part of a label", [.dns("n*.example.org")], askedFor: "node.example.org", has: "DNS:n*"),
        server("a wildcard behind part of a label", [.dns("*e.example.org")], askedFor: "node.example.org", has: "*e"),
        server("a wildcard, asked two levels down", [.dns("*.example.org")], askedFor: "a.b.example.org", has: "*.exa"),
        server("a wildcard, asked for its parent", [.dns("*.example.org")], askedFor: "example.org", has: "DNS:*.exa"),
        server("a wildcard that is not first", [.dns("a.*.example.org")], askedFor: "a.b.example.org", has: "DNS:a.*"),
        server("two wildcards", [.dns("*.*.example.org")], askedFor: "a.b.example.org", has: "DNS:*.*"),
        server("a wildcard for a top level", [.dns("*.org")], askedFor: "example.org", has: "DNS:*.org"),
        server("a wildcard for all names", [.dns("*")], askedFor: "localhost", has: "DNS:*"),
        server("a wildcard against an address", [.dns("*.0.0.1")], askedFor: "127.0.0.1", has: "DNS:*.0.0.1"),
        server(
            "a wildcard inside an A-label", [.dns("xn--*.example.org")], askedFor: "xn--bcher-kva.example.org",
            has: "xn"),
        server(
            "an A-label, asked for in Unicode", [.dns("xn--bcher-kva.example")], askedFor: "bücher.example", has: "xn"),
        server(
            "a name below the one asked for with a dot", [.dns("a.example.org")], askedFor: ".example.org", has: "a."),
        server("a name with a dot at its end", [.dns("node.example.")], askedFor: "node.example", has: "node.example."),
        odd("a name cut off by a zero byte", .dns("node.example\0.evil.example"), askedFor: "node.example"),
        odd("an address of five bytes", .ip([127, 0, 0, 1, 0]), askedFor: "127.0.0.1"),
        odd("an empty name", .dns(""), askedFor: ""),
    ]

    /// A sound certificate for `names`; whoever asks for none of them in particular is served.
    private static func server(
        _ what: String, _ names: [PeerName], odd: [GeneralName] = [], askedFor name: String, has: String
    ) -> RefusalCase {
        RefusalCase(
            testDescription: "the server has \(what)", refuser: .client, code: .nameMismatch,
            texts: ["certificate 0 (CN=odd): it is not for \(name) but for ", has], alert: .badCertificate,
            client: { .mutualTLS(identity: $0.node, trust: $0.trust.checkingName(.name(name))) },
            server: { forge in
                forge.bad(
                    try forge.leaf {
                        $0.names = names
                        if !odd.isEmpty { $0.added = [.subjectAlternativeNames(odd)] }
                    }.unchecked())
            },
            goodClient: { .mutualTLS(identity: $0.node, trust: $0.trust.checkingName(.none)) })
    }

    private static func odd(_ what: String, _ name: GeneralName, askedFor: String) -> RefusalCase {
        server(what, [], odd: [name], askedFor: askedFor, has: "no name at all")
    }

    // MARK: Name constraints

    static let constraints: [RefusalCase] = [
        constrained("a host that is not permitted", .init(permitted: [.dns("example.org")]), .dns("node.example.com")),
        constrained("a host that is excluded", .init(excluded: [.dns("example.com")]), .dns("node.example.com")),
        constrained("a host that only ends alike", .init(permitted: [.dns("example.org")]), .dns("badexample.org")),
        constrained("an address that is not permitted", .init(permitted: [.ip("10.0.0.0/8")]), .ip("127.0.0.1")),
        constrained("an address that is excluded", .init(excluded: [.ip("127.0.0.0/8")]), .ip("127.0.0.1")),
        constrained("an IPv6 address that is not permitted", .init(permitted: [.ip("fd00::/8")]), .ip("::1")),
        constrained(
            "a URI that is not permitted", .init(permitted: [.uri("trusted.example")]), .uri("spiffe://evil.example/a")),
        constrained("a URI that is excluded", .init(excluded: [.uri("evil.example")]), .uri("spiffe://evil.example/a")),
        constrained(
            "an e-mail address that is excluded", .init(excluded: [.email("evil.example")]), .email("a@evil.example")),
    ].flatMap { $0 }

    private static func constrained(
        _ what: String, _ constraints: NameConstraints, _ name: PeerName
    ) -> [RefusalCase] {
        let reason = constraints.permitted.isEmpty ? "excluded subtree violation" : "permitted subtree violation"
        return shown(what, Fault(.nameConstraint, (0, "odd"), reason, alert: .certificateUnknown), isNameChecked: false)
        {
            forge, _ in
            let middle = try forge.middle { $0.nameConstraints = constraints }
            return [try forge.leaf(of: middle) { $0.names = [name] }, middle]
        }
    }
}
