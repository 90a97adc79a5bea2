internal import ArgumentParser
internal import DAGProtocol
internal import Foundation
internal import NodeTransport

/// `dagnode status`: what a node has done, or what became of a transaction.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what a node has done, or what became of a transaction.")

    @Option(help: "The node.", transform: Endpoint.argument)
    var to: Endpoint

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup(title: "Security")
    var security: SecurityOptions

    @Argument(help: "A transaction's id; without it the node's statistics are shown.")
    var txID: String?

    func run() async throws {
        let transport = try Wire.transport(security.protection()).transport
        let connection = try await transport.connect(to: to)
        if let txID {
            var request = StatusRequest()
            request.txID = txID
            let response = try await connection.call(
                DAG.queryTransactionStatus, request, deadline: .after(.seconds(10)))
            try show(TransactionView(txID, response))
        } else {
            let statistics = try await connection.call(
                Node.statistics, StatisticsRequest(), deadline: .after(.seconds(10)))
            try show(NodeView(statistics))
        }
        await transport.shutdown(within: .seconds(1))
    }

    private func show(_ view: some Encodable & CustomStringConvertible) throws {
        if json {
            try Console.printJSON(view)
        } else {
            Console.print(view.description)
        }
    }
}

/// A transaction's status as it is printed.
struct TransactionView: Codable, CustomStringConvertible {
    let txID: String
    let status: String
    let contentHash: String
    /// Microseconds since 1970 (UTC).
    let storedAt: Int64
    let acknowledgedBy: UInt32
    let payloadBytes: UInt64
    let missingParents: [String]

    private enum CodingKeys: String, CodingKey {
        case txID = "tx_id"
        case status
        case contentHash = "content_hash"
        case storedAt = "stored_at"
        case acknowledgedBy = "acknowledged_by"
        case payloadBytes = "payload_bytes"
        case missingParents = "missing_parent_ids"
    }

    init(_ id: String, _ response: StatusResponse) {
        txID = id
        status = "\(response.status)"
        contentHash = response.contentHash.hexadecimal
        storedAt = response.storedAt
        acknowledgedBy = response.acknowledgedBy
        payloadBytes = response.payloadBytes
        missingParents = response.missingParentIds
    }

    var description: String {
        var lines = [
            "\(txID): \(status)", "  content hash  \(contentHash)", "  payload       \(payloadBytes) bytes",
            "  peers         \(acknowledgedBy) have acknowledged it",
        ]
        if !missingParents.isEmpty { lines.append("  waits for     \(missingParents.joined(separator: ", "))") }
        return lines.joined(separator: "\n")
    }
}

/// A node's statistics as they are printed.
struct NodeView: Codable, CustomStringConvertible {
    struct Peer: Codable {
        let endpoint: String
        let id: String
        let connected: Bool
        let connections: UInt64
        let queued: UInt64
        let lastError: String

        private enum CodingKeys: String, CodingKey {
            case endpoint, id, connected, connections, queued
            case lastError = "last_error"
        }
    }

    let id: String
    /// Microseconds since 1970 (UTC).
    let startedAt: Int64
    let counters: [String: UInt64]
    let peers: [Peer]

    private enum CodingKeys: String, CodingKey {
        case id, counters, peers
        case startedAt = "started_at"
    }

    init(_ statistics: NodeStatistics) {
        id = statistics.nodeID
        startedAt = statistics.startedAt
        counters = statistics.counters
        peers = statistics.peers.map {
            Peer(
                endpoint: $0.endpoint, id: $0.nodeID, connected: $0.connected, connections: $0.connections,
                queued: $0.queued, lastError: $0.lastError)
        }
    }

    var description: String {
        var lines = ["node \(id)"]
        let names = NodeCounter.allCases.map(\.rawValue)
        let width = names.map(\.count).max() ?? 0
        for name in names + counters.keys.filter({ !names.contains($0) }).sorted() {
            guard let value = counters[name] else { continue }
            lines.append("  \(name.padding(toLength: width, withPad: " ", startingAt: 0))  \(value)")
        }
        for peer in peers {
            let state = peer.connected ? "connected" : "not connected: \(peer.lastError)"
            lines.append("  peer \(peer.id.isEmpty ? "?" : peer.id) \(peer.endpoint)  \(state)")
        }
        return lines.joined(separator: "\n")
    }
}
