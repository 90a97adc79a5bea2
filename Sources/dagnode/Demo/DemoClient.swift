internal import DAGNode
internal import DAGProtocol
internal import DAGStore
internal import Foundation
internal import NodeTransport
internal import TransactionSignatures

/// What one node was given and has acknowledged.
struct DemoSubmission: Sendable {
    var submitted = 0
    /// With what was submitted.
    var acknowledged: [Tx] = []
    var refused = 0
    var reconnects = 0
    var duration: Duration = .zero
}

/// Talks to one node of the demonstration.
struct DemoClient: Sendable {
    let name: String
    let endpoint: Endpoint
    let transport: any Transport
    /// Signs what is asked of the repair service.
    private let key = SigningKey()

    init(name: String, endpoint: Endpoint, transport: any Transport) {
        self.name = name
        self.endpoint = endpoint
        self.transport = transport
    }

    func statistics() async throws -> NodeStatistics {
        try await withConnection {
            try await $0.call(Node.statistics, StatisticsRequest(), deadline: .after(.seconds(30)))
        }
    }

    func audit(_ challenges: Int) async throws -> AuditResponse {
        var request = AuditRequest()
        request.challengesPerPeer = UInt32(clamping: challenges)
        return try await withConnection { try await $0.call(Node.audit, request, deadline: .after(.seconds(60))) }
    }

    func submit(_ transactions: [Tx], _ onProgress: @escaping @Sendable (Int) -> Void) async throws -> DemoSubmission {
        let start = ContinuousClock.now
        var submitter = StreamSubmitter(transport: transport, endpoint: endpoint, patience: .seconds(60))
        // Small, so that acknowledgements come in small steps and the kill falls between them.
        submitter.window = 128
        let progress = try await submitter.submit(transactions) { onProgress($0.acknowledged) }
        var submission = DemoSubmission()
        submission.submitted = transactions.count
        submission.acknowledged = transactions.enumerated().filter { progress.refusals[$0.offset] == nil }.map(
            \.element)
        submission.refused = progress.refusals.count
        submission.reconnects = progress.reconnects
        submission.duration = start.duration(to: .now)
        return submission
    }

    /// Compares every acknowledged id and the SHA-256 of its payload with what the node hands out.
    func verify(against acknowledged: [Tx], submission: DemoSubmission) async throws -> DemoRow {
        let statistics = try await statistics()
        var missing = Dictionary(uniqueKeysWithValues: acknowledged.map { ($0.txID, Hash256(hashing: $0.payload)) })
        var damaged = 0
        try await withConnection { connection in
            let repair = RepairClient(
                connection: connection, recipient: name, requester: DemoNetwork.clientName, key: key,
                timeout: .seconds(60))
            let ids = acknowledged.map(\.txID)
            for start in stride(from: 0, to: ids.count, by: Repair.maximumFetchedIDs) {
                var wanted = Array(ids[start..<min(start + Repair.maximumFetchedIDs, ids.count)])
                // A byte budget may cut an answer off: ask again for the rest while something comes.
                var hasAdvanced = true
                while !wanted.isEmpty, hasAdvanced {
                    var received: Set<String> = []
                    try await repair.fetch(wanted) { messages in
                        for message in messages {
                            received.insert(message.txID)
                            guard let hash = missing.removeValue(forKey: message.txID) else { continue }
                            if hash != Hash256(hashing: message.payload) { damaged += 1 }
                        }
                    }
                    wanted.removeAll { received.contains($0) }
                    hasAdvanced = !received.isEmpty
                }
            }
        }
        return DemoRow(
            name: name, submission: submission, stored: statistics[.storedTransactions],
            repaired: statistics[.repaired], missing: missing.count, damaged: damaged,
            answered: statistics[.answered])
    }

    private func withConnection<Result>(_ body: (any Connection) async throws -> Result) async throws -> Result {
        let connection = try await transport.connect(to: endpoint)
        do {
            let result = try await body(connection)
            await connection.close(within: .seconds(1))
            return result
        } catch {
            await connection.close(within: .zero)
            throw error
        }
    }
}
