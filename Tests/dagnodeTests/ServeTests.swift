import DAGProtocol
import DAGStore
import Foundation
import NodeTransport
import Synchronization
import Testing

@testable import dagnode

@Suite("A node as a process", .timeLimit(.minutes(5)))
struct ServeTests {
    private func serve(
        _ folder: Folder, _ arguments: String..., on endpoint: String = "grpc://127.0.0.1:0"
    ) async throws -> (node: Program, endpoint: String) {
        let node = try Program.start(
            [
                "serve", "--name", "a", "--data", "\(folder.path)/data", "--listen", endpoint, "--stop-with-input",
            ] + arguments)
        return (node, try #require(await node.line(beginningWith: "LISTENING ")))
    }

    @Test func `Files go in over mutual TLS, and their status comes out`() async throws {
        let folder = try Folder()
        for name in ["a", "client"] {
            _ = try await Program.run("identity", "init", "--directory", folder.path, "--name", name)
        }
        let (node, endpoint) = try await serve(folder, "--identity-directory", folder.path)
        let client = ["--to", endpoint, "--identity-directory", folder.path, "--name", "client"]
        let file = try folder.write("file", Data((0..<10_000).map { UInt8(truncatingIfNeeded: $0) }))

        let single = try await Program.start(["submit", "--tx-id", "one"] + client + [file]).result()
        #expect(single.output == "one acknowledged\n")
        let again = try await Program.start(["submit", "--tx-id", "one"] + client + [file]).result()
        #expect(again.output == "one already known\n")

        let chunked = try await Program.start(["submit", "--chunk", "100", "--json"] + client + [file]).result()
        let view = try JSONDecoder().decode(SubmittedView.self, from: Data(chunked.output.utf8))
        #expect(view.acknowledged == 100)
        #expect(Set(view.txIDs).count == 100)

        let status = try await Program.start(["status", "--json"] + client + ["one"]).result()
        let transaction = try JSONDecoder().decode(TransactionView.self, from: Data(status.output.utf8))
        #expect(transaction.payloadBytes == 10_000)
        let all = try await Program.start(["status", "--json"] + client).result()
        let statistics = try JSONDecoder().decode(NodeView.self, from: Data(all.output.utf8))
        #expect(statistics.id == "a")
        #expect(statistics.counters["store.transactions"] == 101)
        #expect(statistics.counters["submit.duplicates"] == 1)

        let unknown = try await Program.start(["status"] + client + ["none"]).result()
        #expect(unknown.exitCode == 1)
        #expect(unknown.errorLines.count == 1)
        node.send(SIGTERM)
        #expect(try await node.result().exitCode == 0)
    }

    @Test func `Who has no certificate of the authority is refused and logged, and others are served`() async throws {
        let (folder, foreign) = (try Folder(), try Folder())
        for (folder, name) in [(folder, "a"), (folder, "client"), (foreign, "client")] {
            _ = try await Program.run("identity", "init", "--directory", folder.path, "--name", name)
        }
        let (node, endpoint) = try await serve(folder, "--identity-directory", folder.path)
        let certificate = ["--cert", "\(foreign.path)/client.pem", "--key", "\(foreign.path)/client-key.pem"]
        let refused = try await Program.start(
            ["status", "--to", endpoint, "--ca", "\(folder.path)/ca.pem"] + certificate
        ).result()
        #expect(refused.exitCode == 1)
        #expect(refused.errorLines.count == 1, "\(refused.error)")
        let served = try await Program.run(
            "status", "--to", endpoint, "--identity-directory", folder.path, "--name", "client")
        #expect(served.exitCode == 0)
        node.send(SIGTERM)
        let result = try await node.result()
        #expect(result.error.contains("refused grpc://127.0.0.1:"), "\(result.error)")
    }

    @Test func `What was acknowledged before kill -9 is there afterwards`() async throws {
        let folder = try Folder()
        let (node, endpoint) = try await serve(folder, "--plaintext")
        let contents = Data((0..<200_000).map { UInt8(truncatingIfNeeded: $0 / 7) })
        let transactions = Chunks(
            name: "test", contents: contents, chunkBytes: 50, holder: "test", timestamp: 0, id: "tx"
        ).transactions()
        let transport = try Wire.transport(.plaintext).transport
        let acknowledged = Mutex(0)
        var submitter = StreamSubmitter(
            transport: transport, endpoint: try Endpoint(parsing: endpoint), patience: .zero)
        submitter.window = 100
        await #expect(throws: TransportError.self) {
            try await submitter.submit(transactions) { progress in
                acknowledged.withLock { $0 = max($0, progress.acknowledged) }
                if progress.acknowledged >= 1_000 { node.send(SIGKILL) }
            }
        }
        await transport.shutdown(within: .zero)
        _ = try await node.result()
        let count = acknowledged.withLock { $0 }
        #expect(count >= 1_000 && count < transactions.count)
        let store = try SQLiteStore(directory: "\(folder.path)/data")
        defer { try? store.close() }
        for transaction in transactions.prefix(count) {
            #expect(try await store.payload(of: transaction.txID) == transaction.payload)
        }
    }

    @Test func `A transfer goes on when the node comes back`() async throws {
        let folder = try Folder()
        // One that nobody is given while the node is away.
        let own = try #require(await Wire.freeEndpoints(1).first)
        let (node, endpoint) = try await serve(folder, "--plaintext", on: "\(own)")
        let transactions = Chunks(
            name: "test", contents: Data(count: 40_000), chunkBytes: 20, holder: "test", timestamp: 0, id: "tx"
        ).transactions()
        let transport = try Wire.transport(.plaintext).transport
        var submitter = StreamSubmitter(
            transport: transport, endpoint: try Endpoint(parsing: endpoint), patience: .seconds(60))
        submitter.window = 100
        async let progress = submitter.submit(transactions) { progress in
            if progress.acknowledged >= 500, progress.reconnects == 0 { node.send(SIGKILL) }
        }
        _ = try await node.result()
        let successor = try Program.start([
            "serve", "--plaintext", "--name", "a", "--data", "\(folder.path)/data", "--listen", endpoint,
            "--stop-with-input",
        ])
        let result = try await progress
        #expect(result.acknowledged == transactions.count)
        #expect(result.refusals.isEmpty)
        #expect(result.reconnects >= 1)
        await transport.shutdown(within: .zero)
        successor.send(SIGTERM)
        #expect(try await successor.result().exitCode == 0)
        let store = try SQLiteStore(directory: "\(folder.path)/data")
        defer { try? store.close() }
        #expect(try await store.counts().transactions == UInt64(transactions.count))
    }
}
