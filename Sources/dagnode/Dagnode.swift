internal import ArgumentParser
internal import Foundation

/// The program: a ledger node, and what talks to one.
struct Dagnode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dagnode",
        abstract: "A node of the DAG ledger, and commands that talk to one.",
        discussion: """
            Endpoints look like grpc://127.0.0.1:50051. Connections are mutually authenticated by TLS unless
            --plaintext says otherwise; 'dagnode identity init' makes what that needs for development.

            Exit codes: 0 success, 1 failure, 64 wrong usage, 130 interrupted.
            """,
        version: "0.1.0",
        subcommands: [Serve.self, Submit.self, Status.self, IdentityCommand.self, Doctor.self, Demo.self])
}

@main
enum Main {
    /// Parses and runs; whatever goes wrong is one line on standard error.
    static func main() async {
        do {
            var command = try Dagnode.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            let code = Dagnode.exitCode(for: error)
            if code.isSuccess {
                // Help and version.
                Console.print(Dagnode.fullMessage(for: error))
            } else if let error = error as? ExitCode {
                exit(error.rawValue)
            } else {
                Console.fail(Dagnode.message(for: error), isUsage: code == .validationFailure)
                if IdentityCheck.isMeant(by: CommandLine.arguments) { exit(CertificateCheck.State.unknown.rawValue) }
            }
            exit(code.rawValue)
        }
    }
}
