import ForeignPeers
import NodeTransport
import QUICTransport
import Testing
import TransportTLS

/// GnuTLS acts as if a certificate that may not sign was not there: the peer would be told that there is none.
@Suite(.timeLimit(.minutes(5))) struct KeyUsageTests {
    private func identity(_ usages: Set<KeyUsage>) throws -> Identity {
        let now = WallTime.now
        var template = CertificateTemplate(
            commonName: "sealer", notBefore: now.adding(days: -1), notAfter: now.adding(days: 1))
        template.names = [.ip("127.0.0.1")]
        template.keyUsages = usages
        template.extendedKeyUsages = [.serverAuthentication, .clientAuthentication]
        let made = try KeyedCertificate(template)
        return try Identity(certificatePEM: made.pem, keyPEM: made.keyPEM())
    }

    @Test func `a certificate that may not sign is refused by name when a transport is made`() throws {
        let error = #expect(throws: TLSError.self) {
            try QUICTransport(identity: try identity([.keyAgreement]), trust: TestIdentities.shared.trust)
        }
        #expect(error?.code == .unsupportedKey)
        #expect(error?.description.contains("CN=sealer") == true, "\(String(describing: error))")
        #expect(error?.description.contains("digitalSignature") == true)
        _ = try QUICTransport(
            identity: try identity([.keyAgreement, .digitalSignature]), trust: TestIdentities.shared.trust)
    }

    @Test func `after a change to such a certificate nothing is connected, until there is a better one`() async throws {
        let credentials = Credentials(identity: TestIdentities.shared.node, trust: TestIdentities.shared.trust)
        let sealer = try identity([.keyEncipherment])
        try await Rig.run(TLSConfiguration(credentials: credentials)) { rig in
            try await rig.expectServed()
            try credentials.replace(identity: sealer)
            let error = await #expect(throws: TransportError.self) {
                try await rig.server.connect(to: rig.listener.endpoint)
            }
            #expect(error?.code == .invalidArgument)
            #expect((error?.cause as? TLSError)?.code == .unsupportedKey)
            try credentials.replace(identity: TestIdentities.shared.node)
            try await rig.expectServed()
        }
    }
}
