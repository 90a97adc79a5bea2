internal import ArgumentParser
internal import TransportTLS

/// `dagnode identity pin`.
struct IdentityPin: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin", abstract: "Prints the pins of certificates, for configurations.",
        discussion: """
            One line for each certificate in the file: the SHA-256 of its public key, which stays the same when the
            certificate is renewed for the same key, or with --certificate that of the certificate itself.
            """)

    @Flag(help: "The fingerprint of the certificate in place of its public key's.")
    var certificate = false

    @Option(help: ArgumentHelp("base64 (sha256/…=), hex, or colons as openssl prints.", valueName: "format"))
    var format = FingerprintFormat.base64

    @Flag(help: "Print JSON.")
    var json = false

    @Argument(help: "A file with certificates (PEM or DER).")
    var file: String

    func run() throws {
        let pins = try CertificateSummary.all(file: file).map { summary in
            PinView(
                subject: summary.subject, kind: certificate ? "certificate" : "public_key",
                pin: format.text(certificate ? summary.fingerprint : summary.publicKeyFingerprint))
        }
        if json {
            try Console.printJSON(pins)
        } else {
            for pin in pins { Console.print(pin.pin) }
        }
    }
}

/// A pin as it is printed.
struct PinView: Codable {
    let subject: String
    /// `public_key` or `certificate`.
    let kind: String
    let pin: String
}
