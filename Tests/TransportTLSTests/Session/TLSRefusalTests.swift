import NodeTransport
import Testing
import TransportTLS

/// What is refused in a handshake: the side that refuses says why, the other learns it from the alert.
@Suite struct TLSRefusalTests {
    /// One bad peer.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let refuser: TLSContext.Role
        let code: TLSError.Code
        let alert: TLSAlert
        let message: String
        var host = "node-b"
        let make: @Sendable (Authority) throws -> (client: TLSContext, server: TLSContext)
    }

    private static func contexts(
        _ client: TLSConfiguration,
        _ server: TLSConfiguration
    ) throws -> (client: TLSContext, server: TLSContext) {
        (try TLSContext(client, role: .client), try TLSContext(server, role: .server))
    }

    /// A case in which the peer of `refuser` shows a certificate made by `issue`.
    private static func badCertificate(
        _ name: String,
        refusedBy refuser: TLSContext.Role,
        _ code: TLSError.Code,
        _ alert: TLSAlert,
        _ message: String,
        _ issue: @escaping @Sendable (DevelopmentCA) throws -> DevelopmentCA.Issued
    ) -> Case {
        Case(testDescription: name, refuser: refuser, code: code, alert: alert, message: message) { authority in
            let issued = try issue(authority.ca)
            // Loaded at a time within its validity; the handshake happens today.
            let certificate = try Identity(
                certificatePEM: issued.certificatePEM,
                keyPEM: issued.keyPEM,
                now: issued.validInstant
            )
            let bad = TLSConfiguration(identity: certificate, trust: try authority.trust)
            return refuser == .server
                ? try contexts(bad, authority.configuration("node-b"))
                : try contexts(authority.configuration("node-a"), bad)
        }
    }

    private static let dayAgo = WallTime.now.adding(days: -1)
    private static let tomorrow = WallTime.now.adding(days: 1)

    static let cases: [Case] =
        [TLSContext.Role.client, .server].flatMap { refuser -> [Case] in
            let name = refuser == .client ? "node-b" : "node-a"
            let wrongUsage: ExtendedKeyUsage = refuser == .client ? .clientAuthentication : .serverAuthentication
            return [
                badCertificate(
                    "\(refuser) refuses an expired certificate",
                    refusedBy: refuser,
                    .expired,
                    .certificateExpired,
                    "certificate 0 (CN=\(name)): expired on "
                ) { try $0.issue(name: name, dnsNames: [name], notBefore: dayAgo.adding(days: -1), notAfter: dayAgo) },
                badCertificate(
                    "\(refuser) refuses a certificate that is not yet valid",
                    refusedBy: refuser,
                    .notYetValid,
                    .badCertificate,
                    "certificate 0 (CN=\(name)): not valid before "
                ) { try $0.issue(name: name, dnsNames: [name], notBefore: tomorrow) },
                badCertificate(
                    "\(refuser) refuses another authority's certificate",
                    refusedBy: refuser,
                    .untrustedIssuer,
                    .unknownCA,
                    "certificate 0 (CN=\(name)): issued by an authority that is not trusted"
                ) { _ in try Authority("Other CA").ca.issue(name: name, dnsNames: [name]) },
                badCertificate(
                    "\(refuser) refuses an authority with the same name and another key",
                    refusedBy: refuser,
                    .untrustedIssuer,
                    .unknownCA,
                    "certificate 0 (CN=\(name)): issued by an authority that is not trusted"
                ) { _ in try Authority().ca.issue(name: name, dnsNames: [name]) },
                badCertificate(
                    "\(refuser) refuses a certificate for the other side only",
                    refusedBy: refuser,
                    .wrongPurpose,
                    .unsupportedCertificate,
                    "certificate 0 (CN=\(name)): its key usages do not allow a \(refuser.other)"
                ) { try $0.issue(name: name, dnsNames: [name], extendedKeyUsages: [wrongUsage]) },
                badCertificate(
                    "\(refuser) refuses a certificate for signing code",
                    refusedBy: refuser,
                    .wrongPurpose,
                    .unsupportedCertificate,
                    "certificate 0 (CN=\(name)): its key usages"
                ) { try $0.issue(name: name, dnsNames: [name], extendedKeyUsages: [.codeSigning]) },
                badCertificate(
                    "\(refuser) refuses an authority as peer",
                    refusedBy: refuser,
                    .authorityAsLeaf,
                    .unsupportedCertificate,
                    "certificate 0 (CN=\(name)): it is an authority's certificate"
                ) { try $0.issue(name: name, dnsNames: [name], isCA: true) },
                badCertificate(
                    "\(refuser) refuses an authority that is allowed both sides",
                    refusedBy: refuser,
                    .authorityAsLeaf,
                    .unsupportedCertificate,
                    "certificate 0 (CN=\(name)): it is an authority's certificate"
                ) {
                    try $0.issue(
                        name: name,
                        dnsNames: [name],
                        isCA: true,
                        extendedKeyUsages: [.serverAuthentication, .clientAuthentication]
                    )
                },
                badCertificate(
                    "\(refuser) refuses a certificate that signs itself",
                    refusedBy: refuser,
                    .selfSigned,
                    .unknownCA,
                    "certificate 0 (CN=\(name)): it is signed by itself"
                ) { _ in try selfSigned(name) },
            ]
        } + [
            Case(
                testDescription: "server refuses a client without certificate",
                refuser: .server,
                code: .noCertificate,
                alert: .certificateRequired,
                message: "the client sent no certificate"
            ) { authority in
                try contexts(
                    TLSConfiguration(identity: nil, trust: authority.trust),
                    authority.configuration("node-b")
                )
            },
            Case(
                testDescription: "client refuses a wrong host",
                refuser: .client,
                code: .nameMismatch,
                alert: .badCertificate,
                message: "it is not for node-c but for DNS:node-b, IP:127.0.0.1, IP:::1",
                host: "node-c",
                make: good
            ),
            Case(
                testDescription: "client refuses a wrong IPv4 address",
                refuser: .client,
                code: .nameMismatch,
                alert: .badCertificate,
                message: "it is not for 127.0.0.2",
                host: "127.0.0.2",
                make: good
            ),
            Case(
                testDescription: "client refuses a wrong IPv6 address",
                refuser: .client,
                code: .nameMismatch,
                alert: .badCertificate,
                message: "it is not for ::2",
                host: "::2",
                make: good
            ),
            Case(
                testDescription: "client refuses an empty host",
                refuser: .client,
                code: .nameMismatch,
                alert: .badCertificate,
                message: "it is not for",
                host: "",
                make: good
            ),
            Case(
                testDescription: "server refuses a client with other protocols",
                refuser: .server,
                code: .noApplicationProtocol,
                alert: .noApplicationProtocol,
                message: "no application protocol"
            ) { authority in
                var client = try authority.configuration("node-a")
                client.applicationProtocols = ["http/1.1", "h3"]
                return try contexts(client, authority.configuration("node-b"))
            },
            Case(
                testDescription: "server refuses a client without ALPN",
                refuser: .server,
                code: .noApplicationProtocol,
                alert: .noApplicationProtocol,
                message: "the client offered no application protocol"
            ) { authority in
                var client = try authority.configuration("node-a")
                client.applicationProtocols = []
                return try contexts(client, authority.configuration("node-b"))
            },
            Case(
                testDescription: "server refuses a client of TLS 1.2",
                refuser: .server,
                code: .protocolVersion,
                alert: .protocolVersion,
                message: "no TLS version in common"
            ) { authority in
                var client = try authority.configuration("node-a")
                client.minimumVersion = .tls12
                return (
                    try TLSContext(client, role: .client, maximumVersion: .tls12),
                    try TLSContext(authority.configuration("node-b"), role: .server)
                )
            },
        ]

    private static let good: @Sendable (Authority) throws -> (client: TLSContext, server: TLSContext) = { authority in
        try contexts(authority.configuration("node-a"), authority.configuration("node-b"))
    }

    /// OpenSSL's program makes what the development CA cannot: a leaf that signs itself.
    private static func selfSigned(_ name: String) throws -> DevelopmentCA.Issued {
        let folder = try TemporaryFolder()
        try folder.openssl(
            """
            req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 9
            -subj /CN=\(name) -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:\(name)
            -addext extendedKeyUsage=serverAuth,clientAuth
            """
        )
        return DevelopmentCA.Issued(
            certificatePEM: Bytes(utf8: try folder.read("cert.pem")),
            keyPEM: Bytes(utf8: try folder.read("key.pem"))
        )
    }

    @Test(arguments: cases)
    func `is refused with its own code and alert`(bad: Case) throws {
        let authority = try Authority()
        let contexts = try bad.make(authority)
        let pair = try TLSPair(client: contexts.client, server: contexts.server, host: bad.host)
        pair.exchange()
        let (refuser, refused) =
            bad.refuser == .client ? (pair.client, pair.server) : (pair.server, pair.client)
        let error = try #require(refuser.error)
        #expect(error.code == bad.code, "\(error)")
        #expect(error.description.contains(bad.message), "\(error)")
        #expect(refuser.session.peer == nil)
        #expect(!refuser.isComplete)
        let answer = try #require(refused.error)
        #expect(answer.code == .peerAlert, "\(answer)")
        #expect(answer.alert == bad.alert, "\(answer)")
        #expect(answer.description.contains("'\(bad.alert)'"))
        // A session that failed says the same again.
        refuser.write([1])
        #expect(refuser.error == error)
        #expect(throws: error) { try refuser.session.advanceHandshake() }
    }

    @Test(arguments: ["node-b", "NODE-B", "node-b.", "127.0.0.1", "::1", "[::1]", "0:0:0:0:0:0:0:1"])
    func `the right name is accepted in every form`(host: String) throws {
        let authority = try Authority()
        let pair = try TLSPair(
            client: authority.configuration("node-a"),
            server: authority.configuration("node-b"),
            host: host
        )
        pair.exchange()
        #expect(pair.client.error == nil)
        #expect(pair.client.isComplete && pair.server.isComplete)
    }

    @Test func `the name to check can be another or none`() throws {
        let authority = try Authority()
        for (check, host, isAccepted) in [
            (NameCheck.name("node-b"), "10.0.0.9", true), (.none, "10.0.0.9", true), (.name("node-c"), "node-b", false),
            (.name(""), "node-b", false), (.endpointHost, nil, false),
        ] as [(NameCheck, String?, Bool)] {
            let client = TLSConfiguration(
                identity: try authority.identity("node-a"),
                trust: try authority.trust.checkingName(check)
            )
            let pair = try TLSPair(client: client, server: authority.configuration("node-b"), host: host)
            pair.exchange()
            #expect(pair.client.isComplete == isAccepted, "\(check)")
            #expect(pair.client.error?.code == (isAccepted ? nil : .nameMismatch), "\(check)")
        }
    }

    @Test func `validity is measured with the time that was given`() throws {
        let authority = try Authority()
        let now = WallTime.now
        for (days, code) in [(0, nil), (400, .expired), (-10, .notYetValid)] as [(Int, TLSError.Code?)] {
            let pair = try TLSPair(
                client: authority.configuration("node-a"),
                server: authority.configuration("node-b"),
                now: now.adding(days: days)
            )
            pair.exchange()
            #expect(pair.client.error?.code == code)
        }
    }
}

extension TLSContext.Role {
    fileprivate var other: String { self == .client ? "server" : "client" }
}

extension DevelopmentCA.Issued {
    /// A time at which the certificate is valid: the middle of its validity.
    fileprivate var validInstant: WallTime {
        for days in [0, -2, -1, 2] {
            // Half a day off the edges that the cases use.
            let instant = WallTime.now.adding(days: days).secondsSince1970 + 43_200
            let time = WallTime(secondsSince1970: instant)
            if (try? Identity(certificatePEM: certificatePEM, keyPEM: keyPEM, now: time)) != nil { return time }
        }
        return .now
    }
}
