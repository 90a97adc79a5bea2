internal import ArgumentParser

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

    @Option(help: ArgumentHelp("The certificate (PEM), in place of the folder's.", valueName: "file"))
    var cert: String?

    @Option(help: ArgumentHelp("Its private key (PEM).", valueName: "file"))
    var key: String?

    @Option(help: ArgumentHelp("The authorities that peers' certificates must come from (PEM).", valueName: "file"))
    var ca: String?

    /// What the options say.
    func protection() throws -> Protection {
        if plaintext {
            guard [identityDirectory, cert, key, ca].allSatisfy({ $0 == nil }) else {
                throw ValidationError("--plaintext and the options for TLS exclude each other")
            }
            return .plaintext
        }
        let stem = identityDirectory.flatMap { directory in name.map { "\(directory)/\($0)" } }
        guard
            let certificate = cert ?? stem.map({ "\($0).pem" }), let key = key ?? stem.map({ "\($0)-key.pem" }),
            let authorities = ca ?? identityDirectory.map({ "\($0)/ca.pem" })
        else {
            throw ValidationError(
                "TLS needs --identity-directory and --name, or --cert, --key and --ca; --plaintext does without")
        }
        return .mutualTLS(certificate: certificate, key: key, authorities: authorities)
    }

    func validate() throws { _ = try protection() }
}
