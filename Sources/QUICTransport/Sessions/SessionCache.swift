internal import EventLoops
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine
internal import Synchronization

/// What a client comes back to a server with.
struct KeptSession: Sendable {
    let session: QUICSession
    /// What HTTP/3 goes by in early data (RFC 9114 §7.2.4.2).
    let settings: RememberedSettings
    /// Where the server was. Early data goes there first, for nobody waits to see whether another address answers.
    let address: InternetAddress
}

/// The sessions of the servers that a client talks to, and the tokens that spare it a Retry; each is used once (RFC 8446
/// appendix C.4, RFC 9000 §8.1.3).
///
/// A cache belongs to one state of the credentials: after a change there is another, and what comes for connections of
/// before goes with the old one. Whom the sessions are with is judged anew whenever one is used.
final class SessionCache: Sendable {
    /// Servers that are remembered; the one that has sent nothing for longest is forgotten first.
    static let maximumServers = 1024
    /// For as many connections at once can the same server be resumed.
    static let maximumPerServer = 4
    /// A session or token beyond that is not kept.
    static let maximumBytes = 16 << 10

    private struct Server {
        var sessions: [KeptSession] = []
        var tokens: [Bytes] = []
    }

    private struct State {
        var servers: [String: Server] = [:]
        var order: [String] = []
    }

    private let state = Mutex(State())

    func put(_ session: KeptSession, for server: String) {
        guard session.session.serializedBytes <= Self.maximumBytes else { return }
        change(server) { Self.append(session, to: &$0.sessions) }
    }

    func put(token: Bytes, for server: String) {
        guard token.count <= Self.maximumBytes else { return }
        change(server) { Self.append(token, to: &$0.tokens) }
    }

    /// Where `server` was when it last sent a session.
    func address(of server: String) -> InternetAddress? {
        state.withLock { $0.servers[server]?.sessions.last?.address }
    }

    /// The newest session of `server` at `address`, which is then gone.
    func takeSession(of server: String, at address: InternetAddress) -> KeptSession? {
        state.withLock { state in
            guard let index = state.servers[server]?.sessions.lastIndex(where: { $0.address == address }) else {
                return nil
            }
            return state.servers[server]?.sessions.remove(at: index)
        }
    }

    /// The newest token of `server`, which is then gone.
    func takeToken(of server: String) -> Bytes? { state.withLock { $0.servers[server]?.tokens.popLast() } }

    private func change(_ name: String, _ body: (inout Server) -> Void) {
        state.withLock { state in
            if state.servers[name] != nil {
                state.order.removeAll { $0 == name }
            } else if state.order.count >= Self.maximumServers {
                state.servers.removeValue(forKey: state.order.removeFirst())
            }
            state.order.append(name)
            body(&state.servers[name, default: Server()])
        }
    }

    private static func append<Value>(_ value: Value, to list: inout [Value]) {
        if list.count >= maximumPerServer { list.removeFirst() }
        list.append(value)
    }
}
