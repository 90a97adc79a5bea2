internal import ArgumentParser
internal import Foundation
internal import TransportTLS

/// Who this process is and whom it trusts.
struct SecurityOptions: ParsableArguments {
    @Flag(help: "No TLS: anyone can connect, and read what is sent.")
    var plaintext = false

    @Option(
        help: ArgumentHelp(
            "A folder with ca.pem, NAME.pem and NAME-key.pem, as 'dagnode identity init' makes it.",
            valueName: "directory"))
    var identityDirectory: String?

    @Option(help: "The name of the identity in the folder; a node's id among its peers.")
    var name: String?

    @Option(help: ArgumentHelp("The certificate (PEM or DER), in place of the folder's.", valueName: "file"))
    var cert: String?

    @Option(help: ArgumentHelp("Its private key (PEM or DER).", valueName: "file"))
    var key: String?

    @Option(help: ArgumentHelp("The certificate and its key in one PKCS#12 file.", valueName: "file"))
    var pkcs12: String?

    @Option(
        help: ArgumentHelp(
            "The passphrase of an encrypted key: the first line of this file.", valueName: "file"))
    var passphraseFile: String?

    @Option(help: ArgumentHelp("The authorities that peers' certificates must come from.", valueName: "file"))
    var ca: String?

    @Option(
        help: ArgumentHelp(
            "A certificate or key that a peer must have, as 'dagnode identity pin' prints it. Repeatable.",
            valueName: "pin"),
        transform: { text in
            do { return try Pin(parsing: text) } catch { throw ValidationError("\(error)") }
        })
    var pin: [Pin] = []

    @Option(help: ArgumentHelp("The same from a file, one a line.", valueName: "file"))
    var pins: String?

    @Flag(help: "Only the pins count: no authority is asked.")
    var pinOnly = false

    @Flag(help: "A peer that matches no pin is logged and not refused.")
    var pinAudit = false

    @Option(
        help: ArgumentHelp(
            "Certificates and keys that are refused, one a line; whoever has one is cut off within a second.",
            valueName: "file"))
    var revoked: String?

    @Option(
        help: ArgumentHelp(
            "The SPIFFE trust domain that every peer must belong to, in place of the check of host names.",
            valueName: "domain"))
    var trustDomain: String?

    /// What the options say.
    func protection() throws -> Protection {
        if plaintext {
            guard hasNothingForTLS else {
                throw ValidationError("--plaintext and the options for TLS exclude each other")
            }
            return .plaintext
        }
        var files = CredentialFiles(identity: try identity(), passphrase: try passphrase())
        files.pins = pins
        files.fixedPins = Set(pin)
        files.revoked = revoked
        let hasPins = pins != nil || !pin.isEmpty
        guard hasPins || !(pinOnly || pinAudit) else {
            throw ValidationError("--pin-only and --pin-audit need --pin or --pins")
        }
        guard !(pinOnly && pinAudit) else { throw ValidationError("--pin-only and --pin-audit exclude each other") }
        if pinAudit { files.pinningMode = .audit }
        if !pinOnly {
            guard let authorities = ca ?? identityDirectory.map({ "\($0)/ca.pem" }) else {
                throw ValidationError("TLS needs --ca or --identity-directory, or --pin-only and pins")
            }
            files.roots = authorities
        }
        if let trustDomain {
            do {
                let check = try NameCheck.spiffeTrustDomain(trustDomain)
                files.nameCheck = check
                files.clientNameCheck = check
            } catch { throw ValidationError("--trust-domain: \(error)") }
        }
        return .mutualTLS(files)
    }

    private func passphrase() throws -> String? {
        guard let passphraseFile else { return nil }
        guard let data = FileManager.default.contents(atPath: passphraseFile), data.count <= 64 << 10,
            let text = String(data: data, encoding: .utf8)
        else { throw ValidationError("--passphrase-file \(passphraseFile): cannot be read as text") }
        return String(text.prefix { !$0.isNewline })
    }

    private func identity() throws -> CredentialFiles.IdentityFiles {
        if let pkcs12 {
            guard cert == nil, key == nil else { throw ValidationError("--pkcs12 excludes --cert and --key") }
            return .pkcs12(pkcs12)
        }
        let stem = identityDirectory.flatMap { directory in name.map { "\(directory)/\($0)" } }
        guard
            let certificate = cert ?? stem.map({ "\($0).pem" }), let key = key ?? stem.map({ "\($0)-key.pem" })
        else {
            throw ValidationError(
                "TLS needs --identity-directory and --name, or --cert and --key, or --pkcs12; --plaintext does without")
        }
        return .certificate(certificate, key: key)
    }

    private var hasNothingForTLS: Bool {
        [identityDirectory, cert, key, pkcs12, passphraseFile, ca, pins, revoked, trustDomain]
            .allSatisfy { $0 == nil } && pin.isEmpty && !pinOnly && !pinAudit
    }

    /// Whether none of the options is given, which is an error to those who need a connection.
    var isEmpty: Bool { !plaintext && hasNothingForTLS }

    func validate() throws {
        if !isEmpty { _ = try protection() }
    }
}
