internal import ArgumentParser
internal import Foundation
internal import Logging
internal import ServiceLifecycle
internal import Synchronization
internal import UnixSignals

/// `dagnode demo`: three nodes, real transactions, one node killed, nothing lost.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs three nodes, kills one in the middle of the work, and shows that nothing is lost.",
        discussion: """
            Starts three 'dagnode serve' processes on 127.0.0.1 with identities made for the occasion, submits the
            given files to all three, ends one with SIGKILL while submissions go on, starts it again, lets it repair,
            has the nodes prove to each other what they hold, and compares everything that was acknowledged with what
            each node has. Exit code 1 when anything is missing or differs. Leaves no process and no file behind.
            """)

    @Argument(help: "Files and folders to submit.")
    var inputs: [String] = []

    @Option(help: ArgumentHelp("A file with further names, each followed by a zero byte.", valueName: "file"))
    var filesFrom: String?

    @Option(help: "The wire between the nodes.")
    var transport = DemoWires.grpc

    @Option(help: "At least this many transactions are made, where the input is large enough.")
    var transactions = 4_000

    @Option(help: "How many proofs of holding each node asks of each peer.")
    var challenges = 25

    func validate() throws {
        guard transport.areThere else {
            throw ValidationError("--transport \(transport.rawValue): this program was built without QUIC")
        }
        guard (1...1_000_000).contains(transactions) else {
            throw ValidationError("--transactions must be within 1...1000000")
        }
        guard (0...1_000).contains(challenges) else { throw ValidationError("--challenges must be within 0...1000") }
    }

    func run() async throws {
        let input = try DemoInput.read(try names(), minimumTransactions: transactions)
        let outcome = OutcomeBox()
        let service = DemoService(
            input: input, network: DemoNetwork(wires: transport), challenges: challenges, outcome: outcome)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                cancellationSignals: [.sigint, .sigterm], logger: NodeLog.logger(level: .critical)))
        try? await group.run()
        switch outcome.value {
        case .success(let isComplete)?: if !isComplete { throw ExitCode(1) }
        case .failure(is CancellationError)?, nil:
            Console.note("dagnode: interrupted")
            throw ExitCode(130)
        case .failure(let error)?: throw error
        }
    }

    private func names() throws -> [String] {
        guard let filesFrom else { return inputs }
        guard let list = try? Data(contentsOf: URL(filePath: filesFrom)) else {
            throw ValidationError("cannot read \(filesFrom)")
        }
        return inputs + list.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Brings the result out of the service group.
private final class OutcomeBox: Sendable {
    private let state = Mutex<Result<Bool, any Error>?>(nil)

    var value: Result<Bool, any Error>? { state.withLock { $0 } }

    func set(_ value: Result<Bool, any Error>) { state.withLock { $0 = value } }
}

/// The demonstration as a service, so that signals cancel it.
private struct DemoService: ServiceLifecycle.Service {
    let input: DemoInput
    let network: DemoNetwork
    let challenges: Int
    let outcome: OutcomeBox

    func run() async {
        do {
            let run = DemoRun(input: input, network: network, challenges: challenges)
            outcome.set(.success(try await run.run()))
        } catch {
            let wasCancelled = Task.isCancelled
            if !wasCancelled { await network.showLogs() }
            outcome.set(.failure(wasCancelled ? CancellationError() : error))
        }
        // A task of its own, because stopping has to go on when this one was cancelled; it ends within seconds.
        await Task { await network.stop() }.value
    }
}
