import ForeignPeers
import Foundation
import GRPCTransport
import NodeTransport
import Testing
import TransportTLS

/// An identity that cannot be used is refused before anybody connects, by the name of its file.
@Suite(.timeLimit(.minutes(5))) struct LoadRefusalTests {
    private static func withFiles(_ body: (IdentityFiles) throws -> Void) throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try body(files)
    }

    private func refusal(certificate: String, key: String) -> TLSError? {
        #expect(throws: TLSError.self) { try Identity(certificateFile: certificate, keyFile: key) }
    }

    @Test func `the key of another certificate`() throws {
        try Self.withFiles { files in
            let error = refusal(certificate: files.certificate("server"), key: files.key("client"))
            #expect(error?.code == .keyMismatch)
            #expect(error?.file == files.key("client"))
            let reason = "does not belong to the certificate in \(files.certificate("server"))"
            #expect(error?.description.contains(reason) == true)
        }
    }

    @Test func `a certificate with rubbish in it`() throws {
        try Self.withFiles { files in
            let path = files.certificate("server")
            let good = try String(contentsOfFile: path, encoding: .utf8)
            for (rubbish, code) in [
                (good.replacingOccurrences(of: "MII", with: "!*?"), TLSError.Code.malformedPEM),
                (String(good.prefix(good.count / 2)), .malformedPEM),
                ("-----BEGIN CERTIFICATE-----\nAAECAwQF\n-----END CERTIFICATE-----\n", .malformedCertificate),
                ("no certificate at all", .noPEMBlocks), ("", .noPEMBlocks),
            ] {
                try rubbish.write(toFile: path, atomically: false, encoding: .utf8)
                let error = refusal(certificate: path, key: files.key("server"))
                #expect(error?.code == code, "\(error.map(\.description) ?? "") for \(rubbish)")
                #expect(error?.description.hasPrefix(path) == true, "\(error.map(\.description) ?? "")")
            }
        }
    }

    @Test func `a key with rubbish in it`() throws {
        try Self.withFiles { files in
            let path = files.key("server")
            try "-----BEGIN PRIVATE KEY-----\nAAECAwQF\n-----END PRIVATE KEY-----\n"
                .write(toFile: path, atomically: false, encoding: .utf8)
            let error = refusal(certificate: files.certificate("server"), key: path)
            #expect(error?.code == .malformedKey)
            #expect(error?.description.hasPrefix("\(path), block 1: ") == true, "\(error.map(\.description) ?? "")")
        }
    }

    @Test func `a file that is not there`() throws {
        let error = refusal(certificate: "/nowhere/node.pem", key: "/nowhere/node-key.pem")
        #expect(error?.code == .unreadable)
        #expect(error?.description.contains("/nowhere/node.pem") == true)
    }

    @Test func `a listener without identity`() async throws {
        let transport = try GRPCTransport(
            security: .tls(TLSConfiguration(identity: nil, trust: TestIdentities.shared.trust)))
        let error = await #expect(throws: TransportError.self) {
            try await transport.listen(on: "grpc://127.0.0.1:0", services: [])
        }
        #expect(error?.code == .failedPrecondition)
        #expect(error?.message == "listening with TLS needs an identity")
    }
}
