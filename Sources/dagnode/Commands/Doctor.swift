internal import ArgumentParser
internal import Foundation
internal import NodeTransport
internal import TransportTLS

/// `dagnode doctor`: looks for what keeps a node on this machine from working well.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks this machine, an identity and peers, and says what is wrong.",
        discussion: """
            Each line begins with 'ok', with 'note' for what could be better, or with 'FAIL'. Without options it looks at
            the program and its libraries alone; with those of an identity also at the certificate, its key and its trust;
            with --peer whether that peer can be reached with them. Exit code 1 when anything fails.
            """)

    @Option(help: "A peer to connect to. Repeatable.", transform: Endpoint.argument)
    var peer: [Endpoint] = []

    @Flag(help: "Print the findings as JSON.")
    var json = false

    @OptionGroup(title: "Security")
    var security: SecurityOptions

    func run() async throws {
        var findings = [tls, postQuantum, wires]
        if security.isEmpty {
            guard peer.isEmpty else { throw ValidationError("--peer needs an identity, or --plaintext") }
        } else {
            let protection = try security.protection()
            switch Result(catching: { try Wire.transport(protection, onWarning: { _ in }) }) {
            case .success(let (transport, watcher)):
                findings += credentials(watcher?.credentials)
                for endpoint in peer { findings.append(await reach(endpoint, transport)) }
                await transport.shutdown(within: .zero)
            case .failure(let error): findings.append(Finding(.fail, "identity", "\(error)"))
            }
        }
        if json {
            try Console.printJSON(findings)
        } else {
            for finding in findings { Console.print(finding.line) }
        }
        if findings.contains(where: { $0.state == .fail }) { throw ExitCode(1) }
    }

    private var tls: Finding { Finding(.ok, "tls", TLSLibrary.version) }

    private var postQuantum: Finding {
        TLSLibrary.hasPostQuantumKeyExchange
            ? Finding(.ok, "post-quantum", "X25519MLKEM768 is used with every peer that has it")
            : Finding(
                .note, "post-quantum",
                "this OpenSSL has no X25519MLKEM768: what is recorded today can be read by a quantum computer of tomorrow; "
                    + "OpenSSL 3.5 and later have it")
    }

    private var wires: Finding {
        let schemes = Wire.schemes.map { "\($0.rawValue)://" }.joined(separator: ", ")
        return Wire.schemes.contains(.quic)
            ? Finding(.ok, "wires", schemes)
            : Finding(.note, "wires", "\(schemes) alone: ngtcp2 or nghttp3 was missing when this program was built")
    }

    private func credentials(_ credentials: Credentials?) -> [Finding] {
        guard let credentials else { return [Finding(.note, "identity", "none: connections are not protected")] }
        guard let identity = credentials.identity else { return [] }
        let days = (identity.notAfter.secondsSince1970 - WallTime.now.secondsSince1970) / 86_400
        let validity = Finding(days < 30 ? .note : .ok, "identity", "\(identity); \(days) days left")
        return [validity, Finding(.ok, "trust", "\(credentials.trust)")]
            + identity.warnings.map { Finding(.note, "identity", $0) }
    }

    private func reach(_ endpoint: Endpoint, _ transport: any Transport) async -> Finding {
        let clock = ContinuousClock()
        do {
            let start = clock.now
            let connection = try await transport.connect(to: endpoint)
            let time = start.duration(to: clock.now)
            let name = connection.peer.map { " as \($0)" } ?? ""
            return Finding(.ok, "peer", "\(endpoint) is reached in \(time.shortDescription)\(name)")
        } catch {
            return Finding(.fail, "peer", "\(error)")
        }
    }
}

/// One line of the diagnosis.
private struct Finding: Encodable {
    enum State: String, Encodable {
        case ok
        case note
        case fail = "FAIL"
    }

    let state: State
    let subject: String
    let text: String

    init(_ state: State, _ subject: String, _ text: String) {
        self.state = state
        self.subject = subject
        self.text = text
    }

    var line: String { "\(state.rawValue.padding(toLength: 4, withPad: " ", startingAt: 0))  \(subject): \(text)" }
}
