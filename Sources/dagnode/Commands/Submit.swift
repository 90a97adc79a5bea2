internal import ArgumentParser
internal import DAGProtocol
internal import Foundation
internal import NodeTransport
internal import Synchronization
internal import TransactionSignatures

/// `dagnode submit`: sends files to a node.
struct Submit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Submits a file as one transaction, or as many.",
        discussion: """
            Ends when all of it is durable on the node. Sending the same again changes nothing. With --chunk, a lost
            connection is made again and the transfer goes on behind the last acknowledgement.
            """)

    @Option(help: "The node.", transform: Endpoint.argument)
    var to: Endpoint

    @Option(help: "The transaction's id; with --chunk, -0, -1, … are appended. Left out: derived from the content.")
    var txID: String?

    @Option(help: ArgumentHelp("Split the file into transactions of this size.", valueName: "bytes"))
    var chunk: Int?

    @Option(help: "Who holds the payload.")
    var holder = ""

    @Option(
        help: ArgumentHelp(
            "When it was made, in microseconds since 1970 (UTC). Left out: when the file was changed; 0 for -.",
            valueName: "microseconds"))
    var timestamp: Int64?

    @Option(
        help: ArgumentHelp(
            "Sign with the key in this file (PKCS#8: Ed25519, ML-DSA-65 or ML-DSA-87). Left out: unsigned.",
            valueName: "file"))
    var signingKey: String?

    @Option(help: ArgumentHelp("How long to try to reach the node again.", valueName: "seconds"))
    var patience = 60.0

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup(title: "Security")
    var security: SecurityOptions

    @Argument(help: "The file; - is standard input.")
    var file: String

    func validate() throws {
        if let chunk, !(1...4_000_000).contains(chunk) {
            throw ValidationError("--chunk must be within 1...4000000")
        }
        guard patience >= 0, patience <= 86_400 else { throw ValidationError("--patience must be within 0...86400") }
    }

    func run() async throws {
        let transactions = try transactions()
        let transport = try Wire.transport(security.protection()).transport
        if chunk == nil, let transaction = transactions.first {
            try await submit(transaction, transport)
        } else {
            try await submit(transactions, transport)
        }
        await transport.shutdown(within: .seconds(1))
    }

    private func transactions() throws -> [Tx] {
        var input = try input()
        guard let signingKey else { return input.transactions() }
        let key = try SigningKey(file: signingKey) { Console.note("dagnode: warning: \($0)") }
        input.publicKey = key.publicKey.data
        var transactions = input.transactions()
        for index in transactions.indices { try transactions[index].sign(with: key) }
        return transactions
    }

    private func input() throws -> Chunks {
        guard file != "-" else {
            let contents = try FileHandle.standardInput.readToEnd() ?? Data()
            return Chunks(
                name: "standard input", contents: contents, chunkBytes: chunk, holder: holder,
                timestamp: timestamp ?? 0, id: txID)
        }
        do {
            let changed = try FileManager.default.attributesOfItem(atPath: file)[.modificationDate] as? Date
            let contents = try Data(contentsOf: URL(filePath: file))
            return Chunks(
                name: file, contents: contents, chunkBytes: chunk, holder: holder,
                timestamp: timestamp ?? Int64((changed?.timeIntervalSince1970 ?? 0) * 1_000_000), id: txID)
        } catch {
            throw ValidationError("cannot read \(file): \(error.localizedDescription)")
        }
    }

    private func submit(_ transaction: Tx, _ transport: any Transport) async throws {
        let connection = try await transport.connect(to: to)
        let response = try await connection.call(
            DAG.submitTransaction, TxRequest(transaction), deadline: .after(.seconds(30)))
        if json {
            try Console.printJSON(
                SubmittedView(
                    txIDs: [transaction.txID], acknowledged: 1, alreadyKnown: response.alreadyKnown, refused: [:]))
        } else {
            Console.print("\(transaction.txID) \(response.alreadyKnown ? "already known" : "acknowledged")")
        }
    }

    private func submit(_ transactions: [Tx], _ transport: any Transport) async throws {
        let display = ProgressLine(total: transactions.count)
        let submitter = StreamSubmitter(transport: transport, endpoint: to, patience: .seconds(patience))
        let progress = try await submitter.submit(transactions) { [json] progress in
            if !json {
                display.show(progress.acknowledged) { "acknowledged \(progress.acknowledged) of \(transactions.count)" }
            }
        }
        display.end()
        let refused = Dictionary(
            uniqueKeysWithValues: progress.refusals.compactMap { index, reason in
                transactions.indices.contains(index) ? (transactions[index].txID, reason) : nil
            })
        if json {
            try Console.printJSON(
                SubmittedView(
                    txIDs: transactions.map(\.txID), acknowledged: progress.acknowledged - refused.count,
                    alreadyKnown: nil, refused: refused))
        }
        if let first = refused.min(by: { $0.key < $1.key }) {
            throw TransportError(
                .failedPrecondition,
                "\(refused.count) of \(transactions.count) transactions were refused, \(first.key): \(first.value)")
        }
    }
}

/// What `dagnode submit --json` prints.
struct SubmittedView: Codable {
    let txIDs: [String]
    let acknowledged: Int
    let alreadyKnown: Bool?
    let refused: [String: String]

    private enum CodingKeys: String, CodingKey {
        case acknowledged, refused
        case txIDs = "tx_ids"
        case alreadyKnown = "already_known"
    }
}
