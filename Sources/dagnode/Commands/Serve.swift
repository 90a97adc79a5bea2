internal import ArgumentParser
internal import DAGNode
internal import DAGProtocol
internal import DAGStore
internal import Foundation
internal import Logging
internal import NodeTransport
internal import ServiceLifecycle
internal import TransactionSignatures
internal import TransportTLS
internal import UnixSignals

/// `dagnode serve`: runs a node until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs a node.",
        discussion: """
            Prints 'LISTENING endpoint' on standard output when it serves, and logs on standard error. SIGTERM and
            SIGINT stop it after the calls in flight. The files of the identity, the authorities, the pins and the
            revocations are watched: a change is taken within a second, and a file that is broken leaves things as
            they were.
            """)

    @Option(
        help: """
            Where to listen, for example grpc://127.0.0.1:50051 or quic://127.0.0.1:50051; port 0 takes a free one. \
            Repeatable.
            """,
        transform: Endpoint.argument)
    var listen: [Endpoint]

    @Option(help: ArgumentHelp("Where the node keeps what it has; made if it is not there.", valueName: "directory"))
    var data: String

    @Option(help: "A peer. Repeatable.", transform: Endpoint.argument)
    var peer: [Endpoint] = []

    @Option(help: "The node's id among its peers, a name of its certificate; --name when left out.")
    var id: String?

    @Option(help: ArgumentHelp("How often to compare with peers without a reason.", valueName: "seconds"))
    var repairInterval = 30.0

    @Option(
        help: "trace, debug, info, notice, warning, error or critical.",
        transform: { text in
            guard let level = Logger.Level(rawValue: text) else { throw ValidationError("'\(text)' is no log level") }
            return level
        })
    var logLevel = Logger.Level.info

    @Flag(help: ArgumentHelp("Stop when standard input ends: whoever started this is gone.", visibility: .hidden))
    var stopWithInput = false

    @OptionGroup(title: "Security")
    var security: SecurityOptions

    func validate() throws {
        guard id ?? security.name != nil else { throw ValidationError("a node needs --name or --id") }
        guard !listen.isEmpty else { throw ValidationError("a node needs --listen") }
        guard repairInterval > 0, repairInterval <= 86_400 else {
            throw ValidationError("--repair-interval must be above 0 and at most 86400")
        }
    }

    func run() async throws {
        let logger = NodeLog.logger(level: logLevel)
        let (transport, watcher) = try Wire.transport(
            security.protection(), onEvent: { NodeLog.write($0, to: logger) }, onWarning: { logger.warning("\($0)") })
        let store = try SQLiteStore(directory: data)
        let key = try SigningKey.load(orCreate: "\(data)/node-key") { logger.warning("\($0)") }
        let node = LedgerNode(
            configuration: try nodeConfiguration(), store: store, key: key, transport: transport,
            observer: { NodeLog.write($0, to: logger) })
        var endpoints: [Endpoint] = []
        for endpoint in listen {
            endpoints.append(try await transport.listen(on: endpoint, services: node.services).endpoint)
        }

        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(
                service: NodeLifetime(node: node, transport: transport, endpoints: endpoints),
                successTerminationBehavior: .gracefullyShutdownGroup)
        ]
        if let watcher {
            services.append(.init(service: CredentialRotation(watcher: watcher, logger: logger)))
        }
        if stopWithInput {
            services.append(.init(service: InputWatch(), successTerminationBehavior: .gracefullyShutdownGroup))
        }
        var group = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: NodeLog.logger(level: .error))
        group.maximumGracefulShutdownDuration = .seconds(15)
        try await ServiceGroup(configuration: group).run()
        try store.close()
        logger.info("stopped")
    }

    private func nodeConfiguration() throws -> NodeConfiguration {
        let id = id ?? security.name ?? ""
        do throws(InvalidField) {
            try Transaction.checkID("id", id)
        } catch {
            throw ValidationError("--\(error)")
        }
        var configuration = NodeConfiguration(id: id, peers: peer)
        configuration.repairInterval = .seconds(repairInterval)
        return configuration
    }
}

/// The node as long as the process is to run, then the end of its connections.
private struct NodeLifetime: ServiceLifecycle.Service {
    let node: LedgerNode
    let transport: any Transport
    let endpoints: [Endpoint]

    func run() async {
        // Said here, for by now the signals that stop the node are caught.
        for endpoint in endpoints { Console.print("LISTENING \(endpoint)") }
        await cancelWhenGracefulShutdown { await node.run() }
        await transport.shutdown(within: .seconds(10))
    }
}

/// Follows the files of the node's identity and trust.
private struct CredentialRotation: ServiceLifecycle.Service {
    let watcher: CredentialWatcher
    let logger: Logger

    func run() async {
        await cancelWhenGracefulShutdown {
            await watcher.run { NodeLog.write($0, to: logger) }
        }
    }
}

/// Ends when standard input does.
private struct InputWatch: ServiceLifecycle.Service {
    func run() async {
        let (ended, continuation) = AsyncStream.makeStream(of: Void.self)
        FileHandle.standardInput.readabilityHandler = { handle in
            guard handle.availableData.isEmpty else { return }
            handle.readabilityHandler = nil
            continuation.finish()
        }
        await cancelWhenGracefulShutdown { for await _ in ended {} }
    }
}
