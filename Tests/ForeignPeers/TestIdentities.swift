package import TransportTLS

/// A certificate authority with one node, made once for the whole run.
package struct TestIdentities: Sendable {
    package static let shared: TestIdentities = {
        do {
            return try TestIdentities()
        } catch {
            preconditionFailure("no identities for the tests: \(error)")
        }
    }()

    package let ca: DevelopmentCA
    package let trust: Trust
    package let node: Identity

    private init() throws {
        ca = try DevelopmentCA.create(commonName: "Test CA")
        trust = try Trust.roots(pem: ca.certificatePEM)
        let issued = try ca.issue(name: "node", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1", "::1"])
        node = try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
    }
}
