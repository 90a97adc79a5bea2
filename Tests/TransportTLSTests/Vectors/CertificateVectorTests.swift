import Foundation
import NodeTransport
import Testing

@testable import TransportTLS

/// Certificates that other programs wrote, good and bad, and things that look like certificates.
@Suite(.enabled(if: CryptographyVectors.areThere)) struct CertificateVectorTests {
    /// What is expected of a file: `nil` when certificates load from it.
    private static func expectation(_ file: String) -> TLSError.Code? {
        let name = file.split(separator: "/").last ?? ""
        let isPEM = file.hasSuffix(".pem")
        switch name {
        // Text that is not in its alphabet, a length in more bytes than needed, a type that names do not have.
        case "invalid_utf8_common_name.pem", "long-form-name-attribute.pem", "name_attribute_unsupported_tag.pem":
            return .malformedCertificate
        case "cryptography-scts-tbs-precert.der": return .malformedCertificate
        default: break
        }
        let isList = name.hasPrefix("crl_") || name.hasSuffix("_crl.pem")
        if isList || file.contains("requests/") { return isPEM ? .wrongBlockType : .malformedCertificate }
        if file.contains("ocsp/"), !isPEM { return .malformedCertificate }
        return name.hasSuffix("_key.pem") ? .wrongBlockType : nil
    }

    private static func files(below folder: String, _ suffixes: [String]) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: CryptographyVectors.path(folder))
            .filter { file in suffixes.contains { file.hasSuffix($0) } }.sorted().map { "\(folder)/\($0)" }
    }

    @Test func `certificates load and other things are refused`() throws {
        let files = try Self.files(below: "x509", [".pem", ".der", ".crt"])
        #expect(files.count > 500)
        for file in files {
            let contents = try CryptographyVectors.read(file)
            let result = Result { () throws(TLSError) -> [CertificateBlock] in
                try CertificateBlock.all(in: contents, file: file)
            }
            switch result {
            case .success(let certificates):
                #expect(Self.expectation(file) == nil, "\(file) loads")
                for certificate in certificates.map(\.certificate) {
                    // Whatever stands in the certificate, reading it does no harm.
                    #expect(!certificate.subject.isEmpty)
                    #expect(certificate.fingerprint != nil)
                    _ = (certificate.names, certificate.commonName, certificate.isAuthority)
                    _ = (certificate.notBefore?.description, certificate.notAfter?.description)
                }
            case .failure(let error):
                #expect(error.code == Self.expectation(file), "\(error)")
                #expect(error.file == file)
            }
        }
    }

    @Test func `a bag of certificates loads from PKCS#7`() throws {
        for (file, count) in [("amazon-roots.der", 2), ("amazon-roots.p7b", 2), ("isrg.pem", 1)] {
            let contents = try CryptographyVectors.read("pkcs7/\(file)")
            #expect(try CertificateBlock.all(in: contents, file: file).count == count, "\(file)")
        }
        let sealed = try CryptographyVectors.read("pkcs7/enveloped.pem")
        let error = #expect(throws: TLSError.self) { _ = try CertificateBlock.all(in: sealed, file: "enveloped.pem") }
        #expect(error?.code == .malformedCertificate)
    }
}
