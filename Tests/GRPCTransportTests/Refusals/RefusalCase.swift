import GRPCTransport
import NodeTransport
import Testing
import TransportTLS

/// Two peers of which one refuses the other in the handshake.
struct RefusalCase: Sendable, CustomTestStringConvertible {
    enum Side: Sendable { case client, server }

    let testDescription: String
    /// Who finds the fault; the other side learns it from the alert.
    let refuser: Side
    let code: TLSError.Code
    let text: String
    let alert: String
    var host = "127.0.0.1"
    let client: @Sendable (TestIdentities) throws -> GRPCTransport.Security
    let server: @Sendable (TestIdentities) throws -> GRPCTransport.Security
    /// A client that the same listener serves; `nil` where the server's certificate is one that none can accept.
    var goodClient: (@Sendable (TestIdentities) throws -> GRPCTransport.Security)? = good

    static let good: @Sendable (TestIdentities) throws -> GRPCTransport.Security = {
        .mutualTLS(identity: $0.node, trust: $0.trust)
    }

    static let all = certificates + names + otherClients

    /// A certificate that is shown by the client, and by the server.
    private static func shown(
        _ what: String, _ code: TLSError.Code, _ text: String, alert: String, acceptedBy issuer: Certificates? = nil,
        _ certificate: @escaping @Sendable (Side) throws -> Certificates.Shown
    ) -> [RefusalCase] {
        @Sendable func bad(_ side: Side, _ identities: TestIdentities) throws -> GRPCTransport.Security {
            .mutualTLS(identity: try certificate(side).identity, trust: identities.trust)
        }
        var server = RefusalCase(
            testDescription: "the server shows \(what)", refuser: .client, code: code, text: text, alert: alert,
            client: good, server: { try bad(.server, $0) }, goodClient: nil)
        if let issuer {
            server.goodClient = { .mutualTLS(identity: $0.node, trust: try issuer.trust) }
        }
        let client = RefusalCase(
            testDescription: "the client shows \(what)", refuser: .server, code: code, text: text, alert: alert,
            client: { try bad(.client, $0) }, server: good)
        return [client, server]
    }

    private static let certificates: [RefusalCase] = [
        shown(
            "a certificate of another authority", .untrustedIssuer, "issued by an authority that is not trusted",
            alert: "unknown ca", acceptedBy: .other
        ) { _ in try .issued(by: .other) },
        shown("an expired certificate", .expired, "expired on ", alert: "certificate expired") { _ in
            try .issued(from: -2, to: -1)
        },
        shown("a certificate that is not yet valid", .notYetValid, "not valid before ", alert: "bad certificate") { _ in
            try .issued(from: 1, to: 2)
        },
        shown("a certificate that signs itself", .selfSigned, "signed by itself", alert: "unknown ca") { _ in
            try .selfSigned()
        },
        shown(
            "an authority's certificate", .authorityAsLeaf, "an authority's certificate",
            alert: "unsupported certificate"
        ) { _ in try .issued(isCA: true) },
        shown(
            "a certificate for the other side only", .wrongPurpose, "its key usages do not allow",
            alert: "unsupported certificate"
        ) { try .issued(usages: $0 == .client ? [.serverAuthentication] : [.clientAuthentication]) },
    ].flatMap { $0 }

    @Sendable
    private static func serving(_ address: String, _ identities: TestIdentities) throws -> GRPCTransport.Security {
        .mutualTLS(identity: try Certificates.Shown.issued(addresses: [address]).identity, trust: identities.trust)
    }

    private static let names: [RefusalCase] = [
        RefusalCase(
            testDescription: "the server is not the host that was asked for", refuser: .client, code: .nameMismatch,
            text: "it is not for localhost but for IP:127.0.0.1", alert: "bad certificate", host: "localhost",
            client: good, server: { try serving("127.0.0.1", $0) },
            goodClient: { .mutualTLS(identity: $0.node, trust: $0.trust.checkingName(.name("127.0.0.1"))) }),
        RefusalCase(
            testDescription: "the server is not the address that was asked for", refuser: .client, code: .nameMismatch,
            text: "it is not for 127.0.0.1 but for IP:127.0.0.9", alert: "bad certificate",
            client: good, server: { try serving("127.0.0.9", $0) },
            goodClient: { .mutualTLS(identity: $0.node, trust: $0.trust.checkingName(.none)) }),
    ]

    private static let otherClients = [
        RefusalCase(
            testDescription: "the client shows no certificate", refuser: .server, code: .noCertificate,
            text: "the client sent no certificate", alert: "certificate required",
            client: { .tls(TLSConfiguration(identity: nil, trust: $0.trust)) }, server: good)
    ]
}

/// An authority that issues what the cases show.
struct Certificates: Sendable {
    static let other = Certificates()

    private let ca = Result { try DevelopmentCA.create(commonName: "Other CA") }

    var trust: Trust { get throws { try Trust.roots(pem: ca.get().certificatePEM) } }

    /// A certificate with its key, and a time at which it can be loaded.
    struct Shown {
        let identity: Identity

        /// - Parameters:
        ///   - from: The first day of its validity, counted from today.
        ///   - to: The last one.
        static func issued(
            by authority: Certificates? = nil, from: Int = -1, to: Int = 1,
            addresses: [String] = ["127.0.0.1", "::1"], isCA: Bool = false, usages: [ExtendedKeyUsage]? = nil
        ) throws -> Shown {
            let now = WallTime.now
            let ca = try authority?.ca.get() ?? TestIdentities.shared.ca
            let issued = try ca.issue(
                name: "odd", ipAddresses: addresses, notBefore: now.adding(days: from), notAfter: now.adding(days: to),
                isCA: isCA, extendedKeyUsages: usages)
            let inside = WallTime(secondsSince1970: now.adding(days: from).secondsSince1970 + 3600)
            return Shown(
                identity: try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM, now: inside))
        }

        /// OpenSSL's program makes what the development CA cannot.
        static func selfSigned() throws -> Shown {
            let folder = try TemporaryFolder()
            defer { folder.remove() }
            try OpenSSLProgram.run(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
                "-keyout", folder.path + "/key.pem", "-out", folder.path + "/own.pem", "-subj", "/CN=odd",
                "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=IP:127.0.0.1",
                "-addext", "extendedKeyUsage=serverAuth,clientAuth")
            return Shown(
                identity: try Identity(
                    certificateFile: folder.path + "/own.pem", keyFile: folder.path + "/key.pem"))
        }
    }
}
