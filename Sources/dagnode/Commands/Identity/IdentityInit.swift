internal import ArgumentParser
internal import Foundation
internal import TransactionSignatures
internal import TransportTLS

/// `dagnode identity init`.
struct IdentityInit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Makes a development identity, and an authority in the same folder if there is none.",
        discussion: """
            Writes NAME.pem and NAME-key.pem, and the first time ca.pem and ca-key.pem. Keys are readable by their
            owner only, and never overwritten. The certificate is for the names NAME and localhost and the addresses
            127.0.0.1 and ::1. With --signing-algorithm also NAME-signing.pem, a key for 'dagnode submit
            --signing-key'. Prints the files' names, one a line.
            """)

    @Option(help: "Where the files go; made if it is not there.")
    var directory: String

    @Option(help: "The node's name: letters, digits, '-', '_' and '.'.")
    var name: String

    @Option(help: ArgumentHelp("A further host name. Repeatable.", valueName: "name"))
    var dns: [String] = []

    @Option(help: ArgumentHelp("A further address. Repeatable.", valueName: "address"))
    var ip: [String] = []

    @Option(
        name: [.long, .customLong("spiffe-id")],
        help: ArgumentHelp("A URI, such as spiffe://example.org/node-a. Repeatable; a SPIFFE id stands alone."))
    var uri: [String] = []

    @Option(help: "For how many days the certificate is valid; never longer than the authority.")
    var days = 365

    @Option(
        help: ArgumentHelp(
            "Also make a key that signs transactions: ed25519, ml-dsa-65 or ml-dsa-87.", valueName: "algorithm"),
        transform: { text in
            guard let algorithm = SignatureAlgorithm(named: text) else {
                let names = SignatureAlgorithm.all.map { $0.name.lowercased() }.joined(separator: ", ")
                throw ValidationError("'\(text)' is no algorithm for signatures; there are \(names)")
            }
            return algorithm
        })
    var signingAlgorithm: SignatureAlgorithm?

    @Flag(help: "Print the files' names as JSON.")
    var json = false

    func validate() throws {
        guard (1...36_500).contains(days) else { throw ValidationError("--days must be within 1...36500") }
        // NAME.pem may be replaced, and must not be the signing key of another.
        guard !name.hasSuffix("-signing") else { throw ValidationError("--name may not end with -signing") }
        for uri in uri {
            guard let parsed = URL(string: uri), parsed.scheme?.isEmpty == false else {
                throw ValidationError("'\(uri)' is not a URI")
            }
            guard parsed.scheme == "spiffe" else { continue }
            guard parsed.host()?.isEmpty == false, parsed.query() == nil, parsed.fragment() == nil else {
                throw ValidationError("'\(uri)' is not a SPIFFE id: spiffe://TRUST-DOMAIN/PATH")
            }
            guard self.uri.count == 1 else {
                throw ValidationError("a certificate with a SPIFFE id has no other URI")
            }
        }
    }

    func run() throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let signingFile = "\(directory)/\(name)-signing.pem"
        let signingKey = try signingAlgorithm.map { try SigningKey.generate($0) }
        // Before anything is written; writing looks again.
        guard signingKey == nil || !FileManager.default.fileExists(atPath: signingFile) else {
            throw SignatureError(.fileExists, "is there already and is not overwritten", file: signingFile)
        }
        let files = try DevelopmentCA.initialize(
            directory: directory, name: name, dnsNames: dns, ipAddresses: ip, uris: uri, validDays: days)
        try signingKey?.write(to: signingFile)
        if json {
            try Console.printJSON(
                [
                    "ca": files.authority, "ca_key": files.authorityKey, "certificate": files.certificate,
                    "key": files.key,
                ].merging(signingKey == nil ? [:] : ["signing_key": signingFile]) { first, _ in first })
        } else {
            for file in [files.authority, files.authorityKey, files.certificate, files.key] { Console.print(file) }
            if signingKey != nil { Console.print(signingFile) }
        }
    }
}
