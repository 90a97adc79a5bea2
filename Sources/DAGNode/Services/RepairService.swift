internal import DAGProtocol
internal import DAGStore
internal import FoundationEssentials
internal import NodeTransport
internal import Synchronization

/// Serves `repair.RepairService`: lets peers compare, and hands out what they lack.
final class RepairService: Service {
    /// How many bytes of transactions one message of a stream has, but for a single larger transaction.
    private static let messageBytes = 256 * 1024
    /// How many transactions are read at once: with the largest payloads 32 MiB.
    private static let readAtOnce = 8
    /// What a request costs its requester beside the bytes it gets.
    private static let requestBytes = 512

    private struct State {
        var budgets: RequesterBudgets
        var replays = ReplayGuard()
    }

    private let core: NodeCore
    private let peers: PeerBook
    private let state: Mutex<State>
    private let start = ContinuousClock.now
    private let reads: SharedReads

    init(core: NodeCore, peers: PeerBook) {
        self.core = core
        self.peers = peers
        reads = SharedReads(store: core.store)
        state = Mutex(
            State(
                budgets: RequesterBudgets(
                    capacity: core.configuration.repairBudgetBytes,
                    bytesPerSecond: core.configuration.repairBudgetBytesPerSecond)))
    }

    var handlers: [MethodHandler] {
        [
            Repair.compareBuckets.handle(on: .concurrent) { [self] request, context in
                try await served(request, context) { try await compare(request) }
            },
            Repair.listIds.handle(on: .concurrent) { [self] request, context in
                try await served(request, context) { try await list(request) }
            },
            Repair.fetchTransactions.handle(on: .concurrent) { [self] request, responses, context in
                try await served(request, context) { try await fetch(request, responses, by: requester(context)) }
            },
        ]
    }

    private func compare(_ request: CompareBucketsRequest) async throws -> CompareBucketsResponse {
        try check("prefixes", request.prefixes.count, Repair.maximumComparedBuckets)
        let prefixes = try request.prefixes.map { data in
            let prefix = try BucketPrefix(data: data, field: "prefixes")
            try check("prefixes", prefix.length, BucketPrefix.maximumLength - 1)
            return prefix
        }
        var response = CompareBucketsResponse()
        for (prefix, sum) in zip(prefixes, try await core.store.sums(of: prefixes)) {
            var bucket = BucketChildren()
            bucket.digest = BucketDigest(prefix, sum)
            bucket.children = try await core.store.children(of: prefix).map { BucketDigest($0.key, $0.value) }
            response.buckets.append(bucket)
        }
        return response
    }

    private func list(_ request: ListIdsRequest) async throws -> ListIdsResponse {
        try check("limit", Int(request.limit), Repair.maximumListedIDs)
        let prefix = try BucketPrefix(data: request.prefix)
        let cursor = request.after.isEmpty ? nil : try ListCursor(data: request.after)
        let limit = request.limit == 0 ? Repair.maximumListedIDs : Int(request.limit)
        let page = try await core.store.list(prefix, after: cursor, limit: limit)
        var response = ListIdsResponse()
        response.transactions = page.transactions.map { item in
            var listed = ListedId()
            listed.txID = item.id
            listed.contentHash = item.contentHash.data
            return listed
        }
        response.next = page.next?.data ?? Data()
        return response
    }

    private func fetch(
        _ request: FetchTransactionsRequest, _ responses: ResponseWriter<FetchTransactionsResponse>,
        by requester: String
    ) async throws {
        try check("tx_ids", request.txIds.count, Repair.maximumFetchedIDs)
        let own = core.configuration.maximumRepairResponseBytes
        var room = request.maximumBytes == 0 ? own : min(own, Int(clamping: request.maximumBytes))
        var message = FetchTransactionsResponse()
        var messageBytes = 0
        var isFirst = true
        for start in stride(from: 0, to: request.txIds.count, by: Self.readAtOnce) {
            let ids = request.txIds[start..<min(start + Self.readAtOnce, request.txIds.count)]
            for transaction in try await reads.transactions(ids) {
                let bytes = transaction.message.payload.count + 256
                guard isFirst || bytes <= room else {
                    return try await send(message, messageBytes, responses, requester)
                }
                if messageBytes > 0, messageBytes + bytes > Self.messageBytes {
                    try await send(message, messageBytes, responses, requester)
                    (message, messageBytes) = (FetchTransactionsResponse(), 0)
                }
                message.transactions.append(transaction.message)
                messageBytes += bytes
                room -= bytes
                isFirst = false
            }
        }
        try await send(message, messageBytes, responses, requester)
    }

    private func send(
        _ message: FetchTransactionsResponse, _ bytes: Int, _ responses: ResponseWriter<FetchTransactionsResponse>,
        _ requester: String
    ) async throws {
        guard !message.transactions.isEmpty else { return }
        spend(bytes, by: requester)
        try await responses.send(message)
        core.count(.repairServed, message.transactions.count)
    }

    // MARK: Refusing

    /// Runs `body` when the requester has bytes left and the authorization holds.
    private func served<Result>(
        _ request: some AuthorizedRequest, _ context: ServerContext, _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            try authorize(request, context)
            return try await body()
        } catch let error as InvalidField {
            core.count(.repairRequestsRefused)
            throw error.status
        } catch let error as StoreError {
            throw error.status
        }
    }

    private func authorize(_ request: some AuthorizedRequest, _ context: ServerContext) throws {
        let requester = requester(context)
        let delay = state.withLock { $0.budgets.delay(of: requester, now: elapsed) }
        guard delay == .zero else {
            core.count(.repairRequestsRefused)
            throw TransportError(
                .resourceExhausted,
                "the repair budget of \(core.configuration.repairBudgetBytes) bytes is used up, try again after \(delay)"
            )
        }
        spend(Self.requestBytes, by: requester)
        let now = core.now()
        try request.verifyAuthorization(recipient: core.configuration.id, now: now)
        let authorization = request.authorization
        if core.configuration.bindsIDsToCertificates, let peer = context.peer, !peer.isNamed(authorization.requesterID)
        {
            throw InvalidField("authorization.requester_id", "is no name of the certificate")
        }
        if let known = peers.knownKey(of: authorization.requesterID), known != authorization.publicKey {
            throw InvalidField("authorization.public_key", "is not the key of \(authorization.requesterID)")
        }
        // The signature covers the nonce and cannot be made anew by whoever replays it.
        switch state.withLock({ $0.replays.insert(authorization.signature, now: now) }) {
        case .new: break
        case .replayed: throw InvalidField("authorization.nonce", "this request was served before")
        case .full: throw TransportError(.resourceExhausted, "too many requests within ten minutes")
        }
    }

    /// By whom bytes are counted: the certificate where there is one, else the address.
    private func requester(_ context: ServerContext) -> String {
        context.peer?.publicKeyFingerprint.description ?? context.remoteEndpoint.host ?? "\(context.remoteEndpoint)"
    }

    private func spend(_ bytes: Int, by requester: String) {
        state.withLock { $0.budgets.spend(bytes, by: requester, now: elapsed) }
    }

    private var elapsed: Duration { start.duration(to: .now) }

    private func check(_ field: String, _ count: Int, _ limit: Int) throws {
        guard count <= limit else { throw InvalidField(field, "\(count), at most \(limit) are accepted") }
    }
}
