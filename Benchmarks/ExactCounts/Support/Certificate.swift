#if canImport(QUICTransport)
    internal import NodeTransport
    internal import TransportTLS

    /// A server's certificate, made for this run, and who vouches for it.
    struct Certificate {
        let identity: Identity
        let trust: Trust

        /// - Parameter name: Of the host.
        init(_ name: String) throws {
            // Signatures of this kind have one size, so that every run sends as many bytes.
            let authority = try DevelopmentCA.create(keyType: .ed25519)
            let issued = try authority.issue(name: name, dnsNames: [name], keyType: .ed25519)
            identity = try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
            trust = try Trust.roots(pem: authority.certificatePEM)
        }

        var tls: TLSConfiguration { TLSConfiguration(identity: identity, trust: trust, clientAuthentication: .none) }
    }
#endif
