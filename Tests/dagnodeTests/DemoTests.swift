import DAGProtocol
import Foundation
import Testing

@testable import dagnode

@Suite("The demonstration", .timeLimit(.minutes(10)))
struct DemoTests {
    private func row(missing: Int = 0, damaged: Int = 0, refused: Int = 0) -> DemoRow {
        var submission = DemoSubmission()
        submission.refused = refused
        return DemoRow(
            name: "a", submission: submission, stored: 0, repaired: 0, missing: missing, damaged: damaged, answered: 0)
    }

    @Test func `Anything missing, damaged or refused is a failure`() {
        #expect(DemoTable([row(), row()]).isComplete)
        #expect(!DemoTable([row(), row(missing: 1)]).isComplete)
        #expect(!DemoTable([row(damaged: 1), row()]).isComplete)
        #expect(!DemoTable([row(refused: 1)]).isComplete)
        #expect(DemoTable([row(missing: 1)]).lines.last?.hasPrefix("LOST") == true)
    }

    @Test func `Chunks put together are the file`() throws {
        let contents = Data((0..<1_001).map { UInt8(truncatingIfNeeded: $0) })
        let transactions = Chunks(
            name: "x", contents: contents, chunkBytes: 10, holder: "", timestamp: 1, id: nil
        ).transactions()
        #expect(transactions.count == 101)
        #expect(transactions.reduce(into: Data()) { $0 += $1.payload } == contents)
        for (parent, child) in zip(transactions, transactions.dropFirst()) { #expect(child.parentIds == [parent.txID]) }
        #expect(Set(transactions.map(\.txID)).count == 101)
    }

    @Test func `Every file is in one share, but for one that is too large`() throws {
        let folder = try Folder()
        for index in 0..<10 { _ = try folder.write("\(index)", Data(count: 100 * index + 1)) }
        let input = try DemoInput.read([folder.path], minimumTransactions: 1_000)
        #expect(input.transactionCount >= 1_000)
        let shares = input.shares(3)
        #expect(shares.reduce(0) { $0 + $1.count } == input.transactionCount)
        #expect(shares.allSatisfy { $0.count > input.transactionCount / 5 })
        let file = try DemoInput.read(["\(folder.path)/9"], minimumTransactions: 300)
        #expect(file.shares(3).allSatisfy { $0.count > 90 })
    }

    @Test(arguments: DemoWires.allCases.filter(\.areThere))
    func `Nothing is lost, whatever the wire`(wires: DemoWires) async throws {
        let folder = try Folder()
        let file = try folder.write("input", Data((0..<60_000).map { UInt8(truncatingIfNeeded: $0 / 3) }))
        let result = try await Program.run(
            "demo", "--transport", wires.rawValue, "--transactions", "600", "--challenges", "3", file)
        #expect(result.exitCode == 0, "\(result.error)\n\(result.output)")
        #expect(result.output.contains("kill -9 "))
        for scheme in ["grpc", "quic"] {
            let isSpoken = wires == .mixed || wires.rawValue == scheme
            #expect(result.output.contains("\(scheme)://") == isSpoken)
        }
        #expect(result.output.contains("Nothing acknowledged was lost: 600 transactions"))
    }

    @Test func `An interrupted demonstration leaves no process behind`() async throws {
        let folder = try Folder()
        // So many that it goes on for long: the signal may come late.
        let file = try folder.write("input", Data(count: 400_000))
        let demo = try Program.start(["demo", "--transactions", "130000", file])
        var processes: [Int32] = []
        for await line in demo.lines {
            if line.hasPrefix("node "), let number = line.split(separator: " ").last.flatMap({ Int32($0) }) {
                processes.append(number)
            }
            if line.hasPrefix("acknowledged ") { break }
        }
        #expect(processes.count == 3)
        demo.send(SIGINT)
        #expect(try await demo.result().exitCode == 130)
        for process in processes { #expect(kill(process, 0) != 0, "process \(process) is still there") }
    }
}
