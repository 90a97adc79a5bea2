import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing
import TransportTLS

/// Chains that are unusual and right: whoever refuses them refuses too much.
@Suite(.timeLimit(.minutes(5))) struct AcceptedChainTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// The name that the client asks for.
        var name = "127.0.0.1"
        var trusting: @Sendable (Forge) throws -> [KeyedCertificate] = { _ in [] }
        let chain: @Sendable (Forge) throws -> [KeyedCertificate]
    }

    private static func named(_ names: [PeerName], askedFor name: String) -> Case {
        Case(testDescription: "\(names) for \(name)", name: name) { forge in [try forge.leaf { $0.names = names }] }
    }

    private static let names = [
        named([.dns("node.example")], askedFor: "NODE.Example"),
        named([.dns("Node.EXAMPLE")], askedFor: "node.example"),
        named([.dns("node.example")], askedFor: "node.example."),
        named([.dns("*.example.org")], askedFor: "node.example.org"),
        named([.dns("*.example.org")], askedFor: "NODE.example.org."),
        named([.dns("xn--bcher-kva.example")], askedFor: "xn--bcher-kva.example"),
        named([.dns("other.example"), .uri("spiffe://example/a"), .dns("node.example")], askedFor: "node.example"),
        named([.ip("::1")], askedFor: "0:0:0:0:0:0:0:1"),
        named([.ip("127.0.0.1")], askedFor: "127.0.0.1"),
    ]

    private static let chains = [
        Case(testDescription: "through an authority") { forge in
            let middle = try forge.middle()
            return [try forge.leaf(of: middle), middle]
        },
        Case(testDescription: "in odd order, with a stranger and the root") { forge in
            let upper = try forge.middle("Upper CA")
            let middle = try forge.middle("Middle CA", of: upper)
            let lower = try forge.middle("Lower CA", of: middle)
            return [
                try forge.leaf(of: lower), upper, try Forge.authority("Stranger"), lower, forge.root, middle,
            ]
        },
        Case(testDescription: "with the same certificates twice") { forge in
            let middle = try forge.middle()
            let leaf = try forge.leaf(of: middle)
            return [leaf, middle, leaf, middle]
        },
        Case(testDescription: "ten certificates") { forge in
            var line: [KeyedCertificate] = []
            for depth in 0..<9 { line.insert(try forge.middle("CA \(depth)", of: line.first), at: 0) }
            return [try forge.leaf(of: line[0])] + line
        },
        Case(testDescription: "as long as the path length allows") { forge in
            let first = try forge.middle { $0.pathLength = 1 }
            let second = try forge.middle("Lower CA", of: first) { $0.pathLength = 0 }
            return [try forge.leaf(of: second), second, first]
        },
        Case(testDescription: "of a new root that an old one vouches for, which is trusted") { forge in
            let new = try Forge.authority("New Root CA")
            let crossed = try forge.middle("New Root CA", keyOf: new)
            return [try forge.leaf(of: new), crossed]
        },
        Case(
            testDescription: "of a new root that is trusted itself, with an unknown one vouching for it",
            trusting: { _ in [try newRoot.get()] },
            chain: { forge in
                let crossed = try forge.middle("Newest Root CA", of: Forge.authority("Old"), keyOf: newRoot.get())
                return [try forge.leaf(of: newRoot.get()), crossed]
            }),
        Case(testDescription: "of an authority that may sign for both sides only") { forge in
            let middle = try forge.middle { $0.extendedKeyUsages = [.serverAuthentication, .clientAuthentication] }
            return [try forge.leaf(of: middle), middle]
        },
        Case(testDescription: "within the names that are permitted", name: "node.example.org") { forge in
            let middle = try forge.middle {
                $0.nameConstraints = NameConstraints(
                    permitted: [.dns("example.org"), .ip("127.0.0.0/8")], excluded: [.dns("evil.example.org")])
            }
            return [try forge.leaf(of: middle) { $0.names = [.dns("node.example.org"), .ip("127.0.0.1")] }, middle]
        },
        Case(testDescription: "without extended key usage") { forge in
            [try forge.leaf { $0.extendedKeyUsages = [] }]
        },
        Case(testDescription: "without key usage") { forge in [try forge.leaf { $0.omitted = [.keyUsage] }] },
        Case(testDescription: "with an unknown extension that is not critical") { forge in
            [try forge.leaf { $0.added = [CertificateExtension("1.2.3.4", DER.null)] }]
        },
        Case(testDescription: "of a root that lives on RSA") { forge in [try forge.leaf(of: forge.rsaRoot)] },
    ]

    private static let newRoot = Result { try Forge.authority("Newest Root CA") }

    @Test(arguments: names + chains)
    func `is accepted on both sides`(_ good: Case) async throws {
        let (trust, identity) = try await blocking {
            let forge = try Forge.shared
            let chain = try good.chain(forge)
            return (
                try Forge.trust([forge.root, forge.rsaRoot] + good.trusting(forge)),
                try chain[0].unchecked(Array(chain.dropFirst()))
            )
        }
        let security = GRPCTransport.Security.mutualTLS(identity: identity, trust: trust.checkingName(.name(good.name)))
        try await RefusalRig.run(security) { try await $0.expectServed(security) }
    }
}
