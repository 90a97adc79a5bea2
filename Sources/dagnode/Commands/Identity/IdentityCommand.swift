internal import ArgumentParser

/// `dagnode identity …`.
struct IdentityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity", abstract: "Makes identities for nodes and clients, shows and checks certificates.",
        subcommands: [IdentityInit.self, IdentityShow.self, IdentityPin.self, IdentityCheck.self])
}
