internal import Foundation
internal import NodeTransport
internal import TransportTLS

/// The three nodes, their identities and their data, in a folder that goes away with them.
actor DemoNetwork {
    static let names = ["a", "b", "c"]
    /// The demonstration's own identity.
    static let clientName = "demo"
    /// How often to look for other ports when somebody was quicker.
    private static let portAttempts = 5

    let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent(
            "dagnode-demo-\(ProcessInfo.processInfo.processIdentifier)-\(UInt32.random(in: 0 ... .max))"
        ).path
    private(set) var nodes: [NodeProcess] = []
    private let wires: DemoWires
    private var isStopped = false

    init(wires: DemoWires) { self.wires = wires }

    private var identities: String { "\(directory)/identities" }

    /// A client's transport with the demonstration's identity.
    func makeTransport() throws -> any Transport {
        try Wire.transport(.identity(Self.clientName, in: identities)).transport
    }

    /// Makes identities and starts the nodes.
    func start() async throws {
        try FileManager.default.createDirectory(
            atPath: identities, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for name in Self.names + [Self.clientName] {
            _ = try DevelopmentCA.initialize(directory: identities, name: name)
        }
        for attempt in 1... {
            do {
                // What is free for TCP is most likely free for UDP as well.
                let free = try await Wire.freeEndpoints(Self.names.count)
                try await startNodes(on: free.map { wires.endpoints(port: $0.port ?? 0) })
                return
            } catch let error as TransportError where attempt < Self.portAttempts && error.message.contains("in use") {
                for node in nodes { await node.kill() }
            }
        }
    }

    private func startNodes(on endpoints: [[Endpoint]]) async throws {
        nodes = zip(Self.names, endpoints).enumerated().map { number, node in
            let (name, own) = node
            var arguments = [
                "--data", "\(directory)/\(name)", "--identity-directory", identities, "--name", name,
                "--repair-interval", "5", "--stop-with-input",
            ]
            for endpoint in own { arguments += ["--listen", "\(endpoint)"] }
            for (peer, theirs) in endpoints.enumerated() where peer != number {
                if let endpoint = wires.choice(theirs, node: number, peer: peer, count: endpoints.count) {
                    arguments += ["--peer", "\(endpoint)"]
                }
            }
            return NodeProcess(name: name, endpoints: own, arguments: arguments, logPath: "\(directory)/\(name).log")
        }
        for node in nodes {
            guard !isStopped else { throw CancellationError() }
            try await node.start()
        }
    }

    /// The node `name`.
    func node(_ name: String) throws -> NodeProcess {
        guard let index = Self.names.firstIndex(of: name), nodes.indices.contains(index) else {
            throw TransportError(.notFound, "there is no node \(name)")
        }
        return nodes[index]
    }

    /// Shows how each log ends.
    func showLogs() async {
        for node in nodes {
            let log = (try? String(contentsOfFile: "\(directory)/\(node.name).log", encoding: .utf8)) ?? ""
            for line in log.split(separator: "\n").suffix(5) { Console.note("\(node.name): \(line)") }
        }
    }

    /// Stops the nodes that run, and removes the folder.
    func stop() async {
        isStopped = true
        await withDiscardingTaskGroup { group in
            for node in nodes { group.addTask { await node.stop() } }
        }
        try? FileManager.default.removeItem(atPath: directory)
    }
}
