internal import Foundation
public import NodeTransport
internal import Synchronization

/// Speaks to etcd (API version 3, from 3.4 on) over a connection of any transport: registers services and finds them.
///
/// ```swift
/// let connection = try await GRPCTransport(identity: identity, trust: trust).reconnecting()
///     .connect(to: "grpc://etcd.example:2379")
/// let etcd = EtcdClient(connection)
/// ```
///
/// The connection should be one that rebuilds itself: the client goes on after etcd was restarted when calls do.
public final class EtcdClient: Sendable {
    /// A user of etcd, where its authentication is enabled.
    public struct User: Sendable {
        public let name: String
        public let password: String

        public init(name: String, password: String) {
            self.name = name
            self.password = password
        }
    }

    /// A key with its value.
    struct Entry: Equatable {
        let key: String
        let value: Data
    }

    /// What became of a key.
    enum Change: Equatable {
        case put(Entry)
        case deleted(key: String)
    }

    /// etcd no longer has the history that was asked for.
    struct Compacted: Error {}

    private static let pageSize: Int64 = 1_000

    let connection: any Connection
    let callTimeout: Duration
    private let user: User?
    private let token = Mutex<String?>(nil)

    /// - Parameters:
    ///   - connection: To one or several members of the cluster.
    ///   - user: Whom to be, where etcd's authentication is enabled.
    ///   - callTimeout: How long a single request may take.
    public init(_ connection: any Connection, user: User? = nil, callTimeout: Duration = .seconds(5)) {
        self.connection = connection
        self.user = user
        self.callTimeout = callTimeout
    }

    // MARK: Keys

    /// Every key that begins with `prefix`, as of one revision, and that revision.
    func list(prefix: String) async throws -> (entries: [Entry], revision: Int64) {
        var request = EtcdRangeRequest()
        request.key = Data(prefix.utf8)
        request.rangeEnd = Self.end(ofPrefix: request.key)
        request.limit = Self.pageSize
        var entries: [Entry] = []
        while true {
            let response = try await call(EtcdMethods.range, request)
            entries += response.kvs.map(Self.entry)
            // The pages after the first are read as of the same revision.
            if request.revision == 0 { request.revision = response.header.revision }
            guard response.more, let last = response.kvs.last else { return (entries, request.revision) }
            // The first key behind the last one.
            request.key = last.key + [0]
        }
    }

    func put(_ entry: Entry, lease: Int64) async throws {
        var request = EtcdPutRequest()
        request.key = Data(entry.key.utf8)
        request.value = entry.value
        request.lease = lease
        _ = try await call(EtcdMethods.put, request)
    }

    /// Calls `body` with each change of a key that begins with `prefix`, from `revision` on, until something fails.
    ///
    /// - Throws: ``Compacted`` when the history from `revision` on is gone; `TransportError` when the connection is lost or
    ///   etcd ends the watch.
    func watch(prefix: String, from revision: Int64, _ body: ([Change]) -> Void) async throws -> Never {
        var create = EtcdWatchCreateRequest()
        create.key = Data(prefix.utf8)
        create.rangeEnd = Self.end(ofPrefix: create.key)
        create.startRevision = revision
        create.fragment = true
        var request = EtcdWatchRequest()
        request.createRequest = create
        // A member that has lost its cluster ends the watch instead of showing an old state for ever.
        let call = try await connection.call(
            EtcdMethods.watch, metadata: try await metadata(adding: ["hasleader": "true"]))
        do {
            try await call.requests.send(request)
            while let response = try await call.responses.next() {
                if response.canceled {
                    if response.compactRevision > 0 { throw Compacted() }
                    throw TransportError(
                        .unavailable, "etcd ended the watch: \(response.cancelReason)", origin: .remote)
                }
                if !response.events.isEmpty { body(response.events.map(Self.change)) }
            }
            throw TransportError(.unavailable, "etcd ended the watch", origin: .remote)
        } catch {
            call.cancel()
            forgetToken(after: error)
            throw error
        }
    }

    // MARK: Leases

    /// A new lease: what is put under it goes away when it is not kept alive.
    ///
    /// - Returns: The lease and the time for which etcd has granted it.
    func grantLease(_ timeToLive: Duration) async throws -> (id: Int64, timeToLive: Duration) {
        var request = EtcdLeaseGrantRequest()
        request.ttl = max(Int64((timeToLive / .seconds(1)).rounded(.up)), 1)
        let response = try await call(EtcdMethods.leaseGrant, request)
        guard response.error.isEmpty, response.ttl > 0 else {
            throw TransportError(.unavailable, "etcd grants no lease: \(response.error)", origin: .remote)
        }
        return (response.id, .seconds(response.ttl))
    }

    /// Keeps a lease alive for another while.
    ///
    /// - Returns: False when it is over already.
    func keepAlive(lease: Int64) async throws -> Bool {
        var request = EtcdLeaseKeepAliveRequest()
        request.id = lease
        do {
            let call = try await connection.call(
                EtcdMethods.leaseKeepAlive, metadata: try await metadata(), deadline: .after(callTimeout))
            try await call.requests.send(request)
            guard let response = try await call.responses.next() else {
                throw TransportError(.unavailable, "etcd did not answer for the lease", origin: .remote)
            }
            call.cancel()
            return response.ttl > 0
        } catch {
            forgetToken(after: error)
            throw error
        }
    }

    /// Ends a lease; what was put under it goes away at once.
    func revoke(lease: Int64) async throws {
        var request = EtcdLeaseRevokeRequest()
        request.id = lease
        _ = try await call(EtcdMethods.leaseRevoke, request)
    }

    // MARK: Calls

    private func call<Request, Response>(
        _ method: NodeTransport.Method<Unary, Request, Response>, _ request: Request
    ) async throws -> Response {
        do {
            return try await connection.call(
                method, request, metadata: try await metadata(), deadline: .after(callTimeout))
        } catch let error as TransportError where isAboutToken(error) {
            // Tokens run out; one that is new is worth one more attempt, for the request was refused unread.
            forgetToken(after: error)
            return try await connection.call(
                method, request, metadata: try await metadata(), deadline: .after(callTimeout))
        }
    }

    private func metadata(adding pairs: [String: String] = [:]) async throws -> Metadata {
        var metadata = Metadata()
        for (key, value) in pairs { try metadata.add(key, value) }
        guard let user else { return metadata }
        if let known = token.withLock({ $0 }) {
            try metadata.add("token", known)
            return metadata
        }
        var request = EtcdAuthenticateRequest()
        request.name = user.name
        request.password = user.password
        let fresh = try await connection.call(EtcdMethods.authenticate, request, deadline: .after(callTimeout)).token
        token.withLock { $0 = fresh }
        try metadata.add("token", fresh)
        return metadata
    }

    private func isAboutToken(_ error: TransportError) -> Bool {
        // etcd before 3.5 says INVALID_ARGUMENT where a restarted member does not know a token.
        user != nil && error.origin == .remote
            && (error.code == .unauthenticated || error.message.contains("auth"))
    }

    private func forgetToken(after error: any Error) {
        guard let error = error as? TransportError, isAboutToken(error) else { return }
        token.withLock { $0 = nil }
    }

    // MARK: Values

    private static func entry(_ pair: EtcdKeyValue) -> Entry {
        Entry(key: String(decoding: pair.key, as: UTF8.self), value: pair.value)
    }

    private static func change(_ event: EtcdEvent) -> Change {
        switch event.type {
        case .delete: .deleted(key: String(decoding: event.kv.key, as: UTF8.self))
        case .put, .UNRECOGNIZED: .put(entry(event.kv))
        }
    }

    /// The first key that does not begin with `prefix` and comes after those that do.
    static func end(ofPrefix prefix: Data) -> Data {
        var end = prefix
        while let last = end.popLast() {
            if last < 0xff { return end + [last + 1] }
        }
        // No key comes after them: to the end (etcd: a range end of zero).
        return Data([0])
    }
}
