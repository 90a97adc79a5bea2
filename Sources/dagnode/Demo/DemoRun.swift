internal import DAGProtocol
internal import Foundation
internal import NodeTransport

/// The demonstration, step by step.
struct DemoRun {
    /// The node that is killed.
    private static let victim = "b"
    /// How long the nodes have to agree after the last acknowledgement.
    private static let settlingTime: Duration = .seconds(120)

    let input: DemoInput
    let network: DemoNetwork
    let challenges: Int

    /// - Returns: Whether everything that was acknowledged is everywhere, intact.
    func run() async throws -> Bool {
        Console.print(
            "\(input.files.count) files, \(input.bytes) bytes: \(input.transactionCount) transactions of up to "
                + "\(input.chunkBytes) bytes")
        try await network.start()
        let transport = try await network.makeTransport()
        let nodes = await network.nodes
        for node in nodes {
            let places = node.endpoints.map(\.description).joined(separator: " and ")
            Console.print("node \(node.name) serves at \(places), process \(await node.processID ?? 0)")
        }
        let clients = nodes.enumerated().compactMap { number, node in
            // The clients take turns with the wires, too.
            node.endpoints.isEmpty
                ? nil
                : DemoClient(
                    name: node.name, endpoint: node.endpoints[number % node.endpoints.count], transport: transport)
        }
        try await connectAll(clients)
        let shares = Dictionary(uniqueKeysWithValues: zip(DemoNetwork.names, input.shares(nodes.count)))
        let submissions = try await submit(shares, clients)
        if let repairTime = try await settle(clients, submissions) {
            Console.print("every node has everything, \(repairTime.shortDescription) after the last acknowledgement")
        } else {
            Console.print("not every node has everything after \(Self.settlingTime.shortDescription)")
        }
        try await audit(clients)
        var rows: [DemoRow] = []
        for client in clients {
            let submission = submissions[client.name] ?? DemoSubmission()
            rows.append(
                try await client.verify(
                    against: submissions.values.flatMap(\.acknowledged), submission: submission))
        }
        await transport.shutdown(within: .seconds(1))
        for line in DemoTable(rows).lines { Console.print(line) }
        return DemoTable(rows).isComplete
    }

    // MARK: Steps

    /// Waits until each node is connected to its peers.
    private func connectAll(_ clients: [DemoClient]) async throws {
        let areConnected = try await poll {
            for client in clients where try await client.statistics().peers.contains(where: { !$0.connected }) {
                return false
            }
            return true
        }
        guard areConnected else {
            throw TransportError(.deadlineExceeded, "the nodes did not connect to each other")
        }
    }

    /// Submits to all nodes at once; kills one when it has acknowledged a third of its share, and starts it again when
    /// four fifths of what the others get is acknowledged.
    private func submit(
        _ shares: [String: [Tx]], _ clients: [DemoClient]
    ) async throws -> [String: DemoSubmission] {
        let tally = DemoTally()
        let total = input.transactionCount
        let display = ProgressLine(total: total)
        return try await withThrowingTaskGroup(of: (String, DemoSubmission)?.self) { group in
            for client in clients {
                let share = shares[client.name] ?? []
                group.addTask {
                    let submission = try await client.submit(share) { acknowledged in
                        tally.set(client.name, acknowledged)
                        display.show(tally.total) { Self.progress(tally, total) }
                    }
                    return (client.name, submission)
                }
            }
            group.addTask {
                try await tally.wait(for: (shares[Self.victim]?.count ?? 0) / 3, by: Self.victim)
                let node = try await network.node(Self.victim)
                display.end()
                Console.print(
                    "kill -9 \(await node.processID ?? 0): node \(node.name) is gone, \(tally.total) acknowledged so far"
                )
                await node.kill()
                let others = DemoNetwork.names.filter { $0 != Self.victim }
                for name in others { try await tally.wait(for: (shares[name]?.count ?? 0) * 4 / 5, by: name) }
                display.end()
                Console.print("node \(node.name) starts again on its data, \(tally.total) acknowledged so far")
                try await node.start()
                return nil
            }
            var submissions: [String: DemoSubmission] = [:]
            for try await case let (name, submission)? in group { submissions[name] = submission }
            display.end()
            return submissions
        }
    }

    private static func progress(_ tally: DemoTally, _ total: Int) -> String {
        let nodes = tally.acknowledged.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return "acknowledged \(tally.total) of \(total)  (\(nodes.joined(separator: ", ")))"
    }

    /// Waits until every node has as many transactions as were acknowledged by all; answers how long that took, or nil when
    /// it took too long.
    private func settle(
        _ clients: [DemoClient], _ submissions: [String: DemoSubmission]
    ) async throws -> Duration? {
        let start = ContinuousClock.now
        let expected = UInt64(submissions.values.reduce(0) { $0 + $1.acknowledged.count })
        let display = ProgressLine(total: Int(expected) * clients.count)
        let isSettled = try await poll {
            var stored: [UInt64] = []
            for client in clients { stored.append(try await client.statistics()[.storedTransactions]) }
            display.show(Int(clamping: stored.reduce(0, +))) {
                "stored " + zip(clients, stored).map { "\($0.name) \($1)" }.joined(separator: ", ") + " of \(expected)"
            }
            return stored.allSatisfy { $0 >= expected }
        }
        display.end()
        return isSettled ? start.duration(to: .now) : nil
    }

    /// Lets each node challenge the others.
    private func audit(_ clients: [DemoClient]) async throws {
        guard challenges > 0 else { return }
        var results = AuditResponse()
        for client in clients {
            let result = try await client.audit(challenges)
            results.held += result.held
            results.wrong += result.wrong
            results.silent += result.silent
            results.refused += result.refused
        }
        Console.print(
            "proofs of holding: \(results.held) held, \(results.wrong) wrong, \(results.silent) silent, "
                + "\(results.refused) refused")
    }

    /// Asks again and again until the answer is yes; false when that takes too long. A node that cannot be reached has not
    /// answered.
    private func poll(_ condition: () async throws -> Bool) async throws -> Bool {
        let deadline = ContinuousClock.now + Self.settlingTime
        while ContinuousClock.now < deadline {
            try Task.checkCancellation()
            if (try? await condition()) == true { return true }
            try await Task.sleep(for: .milliseconds(100))
        }
        return false
    }
}

extension Duration {
    /// Seconds with two digits.
    var shortDescription: String {
        formatted(.units(allowed: [.seconds], width: .narrow, fractionalPart: .show(length: 2)))
    }
}
