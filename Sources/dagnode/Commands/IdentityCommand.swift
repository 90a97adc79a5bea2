internal import ArgumentParser
internal import Foundation
internal import TransportTLS

/// `dagnode identity …`.
struct IdentityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity", abstract: "Makes identities for nodes and clients.", subcommands: [Initialize.self])

    /// `dagnode identity init`.
    struct Initialize: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Makes a development identity, and an authority in the same folder if there is none.",
            discussion: """
                Writes NAME.pem and NAME-key.pem, and the first time ca.pem and ca-key.pem. Keys are readable by
                their owner only, and never overwritten. The certificate is for the names NAME and localhost and the
                addresses 127.0.0.1 and ::1.
                """)

        @Option(help: "Where the files go; made if it is not there.")
        var directory: String

        @Option(help: "The node's name: letters, digits, '-', '_' and '.'.")
        var name: String

        @Option(help: ArgumentHelp("A further host name. Repeatable.", valueName: "name"))
        var dns: [String] = []

        @Option(help: ArgumentHelp("A further address. Repeatable.", valueName: "address"))
        var ip: [String] = []

        @Flag(help: "Print the files' names as JSON.")
        var json = false

        func run() throws {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let files = try DevelopmentCA.initialize(
                directory: directory, name: name, dnsNames: dns, ipAddresses: ip)
            if json {
                try Console.printJSON([
                    "ca": files.authority, "ca_key": files.authorityKey, "certificate": files.certificate,
                    "key": files.key,
                ])
            } else {
                for file in [files.authority, files.authorityKey, files.certificate, files.key] { Console.print(file) }
            }
        }
    }
}
