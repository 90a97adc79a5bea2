internal import COpenSSL
internal import NodeTransport
internal import Synchronization

/// A session that a client can resume: owns one reference to OpenSSL's object and drops it once.
///
/// `@unchecked Sendable` is sound: the object is not changed after it was received, its reference count is atomic, and
/// a cache hands each ticket to one session only.
@safe
final class Ticket: @unchecked Sendable {
    /// Valid as long as this object is.
    let handle: OpaquePointer

    /// The server, as it was judged.
    let acceptance: CertificateVerifier.Acceptance

    /// Takes over the reference that the caller holds.
    init(owning handle: OpaquePointer, acceptance: CertificateVerifier.Acceptance) {
        unsafe self.handle = handle
        self.acceptance = acceptance
    }

    deinit { unsafe SSL_SESSION_free(handle) }
}

/// The tickets of the servers that a client talks to; each is used once (RFC 8446 appendix C.4).
final class TicketCache: Sendable {
    /// Servers that are remembered; the one that has not sent a ticket for longest is forgotten first.
    static let maximumServers = 1024
    /// For as many connections at once can the same server be resumed.
    static let maximumTicketsPerServer = 4

    private struct State {
        var tickets: [String: [Ticket]] = [:]
        var order: [String] = []
    }

    private let state = Mutex(State())

    func put(_ ticket: Ticket, for server: String) {
        state.withLock { state in
            if state.tickets[server] == nil {
                if state.order.count >= Self.maximumServers {
                    state.tickets.removeValue(forKey: state.order.removeFirst())
                }
                state.order.append(server)
            }
            var held = state.tickets[server] ?? []
            if held.count >= Self.maximumTicketsPerServer { held.removeFirst() }
            held.append(ticket)
            state.tickets[server] = held
        }
    }

    /// The newest ticket of `server`, which is then gone.
    func take(for server: String) -> Ticket? {
        state.withLock { state in
            guard var held = state.tickets[server], let ticket = held.popLast() else { return nil }
            state.tickets[server] = held
            return ticket
        }
    }
}
