internal import ArgumentParser
internal import NodeTransport
internal import TransportTLS

/// `dagnode identity show`.
struct IdentityShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows what certificates say.",
        discussion: """
            Shows every certificate in the files. It checks nothing: 'dagnode identity check' does. Fingerprints are
            SHA-256, of the certificate as openssl prints them and of the public key as pins have them.
            """)

    @Flag(help: "Print JSON.")
    var json = false

    @Argument(help: "Files with certificates (PEM or DER).")
    var files: [String]

    func run() throws {
        var views: [CertificateView] = []
        for file in files {
            views += try CertificateSummary.all(file: file).map { CertificateView($0, file: file, now: .now) }
        }
        if json {
            try Console.printJSON(views)
        } else {
            Console.print(views.map(\.description).joined(separator: "\n\n"))
        }
    }
}

/// A certificate as it is printed.
struct CertificateView: Codable, CustomStringConvertible {
    let file: String
    /// The place among the blocks of the file, from 1.
    let block: Int?
    let subject: String
    let issuer: String
    let names: [String]
    /// Seconds since 1970 (UTC).
    let notBefore: Int64
    /// Seconds since 1970 (UTC).
    let notAfter: Int64
    /// Negative when it has expired.
    let daysLeft: Int
    let keyType: String
    let isAuthority: Bool
    /// As `openssl x509 -fingerprint -sha256` prints it.
    let fingerprint: String
    /// As browsers and HTTP clients have it: `sha256/…`.
    let publicKeyPin: String
    /// Hexadecimal digits.
    let publicKeyFingerprint: String

    private enum CodingKeys: String, CodingKey {
        case file, block, subject, issuer, names, fingerprint
        case notBefore = "not_before"
        case notAfter = "not_after"
        case daysLeft = "days_left"
        case keyType = "key_type"
        case isAuthority = "is_authority"
        case publicKeyPin = "public_key_pin"
        case publicKeyFingerprint = "public_key_fingerprint"
    }

    init(_ certificate: CertificateSummary, file: String, now: WallTime) {
        self.file = file
        block = certificate.block
        subject = certificate.subject
        issuer = certificate.issuer
        names = certificate.names.map(\.description)
        notBefore = certificate.notBefore.secondsSince1970
        notAfter = certificate.notAfter.secondsSince1970
        daysLeft = certificate.daysLeft(at: now)
        keyType = certificate.keyType
        isAuthority = certificate.isAuthority
        fingerprint = FingerprintFormat.colons.text(certificate.fingerprint)
        publicKeyPin = FingerprintFormat.base64.text(certificate.publicKeyFingerprint)
        publicKeyFingerprint = FingerprintFormat.hex.text(certificate.publicKeyFingerprint)
    }

    var description: String {
        let remaining = daysLeft < 0 ? "EXPIRED" : "\(daysLeft) days left"
        return """
            \(file)\(block.map { ", block \($0)" } ?? "")
              subject      \(subject)
              issuer       \(issuer)
              names        \(names.isEmpty ? "none" : names.joined(separator: ", "))
              valid from   \(WallTime(secondsSince1970: notBefore))
              valid until  \(WallTime(secondsSince1970: notAfter)) (\(remaining))
              key          \(keyType)
              authority    \(isAuthority ? "yes" : "no")
              certificate  \(fingerprint)
              public key   \(publicKeyPin)
                           \(publicKeyFingerprint)
            """
    }
}
