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

    /// The certificates of the server as they were validated, leaf first.
    let chain: [Bytes]

    /// Takes over the reference that the caller holds.
    init(owning handle: OpaquePointer, chain: [Bytes]) {
        unsafe self.handle = handle
        self.chain = chain
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

/// What our tickets hold beside OpenSSL's part: the client's certificates, so that they can be judged again.
///
/// A number of two bytes for each, big-endian, and then its DER; encrypted by OpenSSL with the rest.
struct TicketContents {
    /// Leaf first; empty for a client that has shown no certificate.
    let chain: [Bytes]

    /// A ticket has room for 64 KiB, and a client sends it with every connection.
    static let maximumBytes = 12 << 10

    init(_ chain: [Bytes]) { self.chain = chain }

    /// Begins with a version, so that no contents and no certificates differ; empty when there is no room.
    var encoded: Bytes {
        var bytes: [UInt8] = [1]
        for der in chain {
            guard let count = UInt16(exactly: der.count), bytes.count + der.count < Self.maximumBytes else {
                return Bytes()
            }
            bytes.append(UInt8(count >> 8))
            bytes.append(UInt8(count & 255))
            bytes += Array(der)
        }
        return Bytes(bytes)
    }

    /// `nil` when it is anything but whole contents.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard unsafe bytes.first == 1 else { return nil }
        var chain: [Bytes] = []
        var position = 1
        while position < bytes.count {
            guard bytes.count - position >= 2 else { return nil }
            let count = unsafe Int(bytes[position]) << 8 | Int(bytes[position + 1])
            position += 2
            guard count > 0, count <= bytes.count - position else { return nil }
            unsafe chain.append(Bytes(copying: UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])))
            position += count
        }
        self.chain = chain
    }
}
