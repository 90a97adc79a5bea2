import NodeTransport
import TransportTLS

/// A certificate authority and what tests make with it.
struct Authority {
    let ca: DevelopmentCA

    init(_ name: String = "Test CA") throws {
        ca = try DevelopmentCA.create(commonName: name)
    }

    var trust: Trust { get throws { try Trust.roots(pem: ca.certificatePEM) } }

    func identity(_ name: String) throws -> Identity {
        try identity(of: ca.issue(name: name, dnsNames: [name], ipAddresses: ["127.0.0.1", "::1"]))
    }

    /// Loads at a time when the certificate is valid, so that a test can show it later.
    func identity(of issued: DevelopmentCA.Issued, now: WallTime = .now) throws -> Identity {
        try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM, now: now)
    }

    func configuration(_ name: String) throws -> TLSConfiguration {
        try TLSConfiguration(identity: identity(name), trust: trust)
    }
}
