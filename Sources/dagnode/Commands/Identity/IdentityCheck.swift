internal import ArgumentParser
internal import TransportTLS

/// `dagnode identity check`.
struct IdentityCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Checks a certificate, for monitoring.",
        discussion: """
            Looks at the validity of every certificate in the file, at the key and the chain where --key and --ca are
            given, and at the name. Prints one line with the days that are left until the first of them expires, the
            authority's certificate included, in the form that monitoring plugins have.

            Exit codes: 0 all is well; 1 warning: fewer days left than --warn-days, or the key is open to other users;
            2 critical: expired, fewer days left than --critical-days, or unusable; 3 unknown: a file cannot be read, or
            wrong usage.
            """)

    @Option(help: ArgumentHelp("The private key that must belong to it (PEM).", valueName: "file"))
    var key: String?

    @Option(help: ArgumentHelp("The authorities of one of which it must come (PEM).", valueName: "file"))
    var ca: String?

    @Option(help: ArgumentHelp("Warn below this.", valueName: "days"))
    var warnDays = 30

    @Option(help: ArgumentHelp("Critical below this.", valueName: "days"))
    var criticalDays = 7

    @Option(help: ArgumentHelp("The host name or address that it must be for.", valueName: "host"))
    var name: String?

    @Argument(help: "A file with a certificate and its chain (PEM or DER).")
    var file: String

    func validate() throws {
        guard (0...36_500).contains(criticalDays), (criticalDays...36_500).contains(warnDays) else {
            throw ValidationError("--critical-days must be at least 0, --warn-days at least that and at most 36500")
        }
        guard name?.isEmpty != true else { throw ValidationError("--name is empty") }
    }

    func run() throws {
        let check = CertificateCheck(
            file: file, keyFile: key, authorityFile: ca, name: name, warningDays: warnDays, criticalDays: criticalDays)
        let finding = check.run(at: .now)
        Console.print(finding.line)
        if finding.state != .fine { throw ExitCode(finding.state.rawValue) }
    }

    /// Monitoring takes 3 for wrong usage, where other commands have 64.
    static func isMeant(by arguments: [String]) -> Bool { arguments.dropFirst().starts(with: ["identity", "check"]) }
}
