import EventLoops
import Synchronization

/// What came in one piece from the kernel.
struct Arrival: Sendable {
    var datagrams: [[UInt8]]
    var ecn: ECN
    var local: InternetAddress
    var remote: InternetAddress
}

/// Collects what a socket receives, and lets a test wait for it.
///
/// Soundness of `@unchecked Sendable`: the closures are set before the socket is started and then used on its loop; the
/// rest is behind the mutex.
final class UDPPeer: UDPSocketHandler, @unchecked Sendable {
    private struct State {
        var arrivals: [Arrival] = []
        var failures: [UDPFailure] = []
        var wakeUps = 0
        var waiter: (isMet: @Sendable (UDPPeer.Seen) -> Bool, continuation: CheckedContinuation<Void, Never>)?

        var seen: Seen { Seen(arrivals: arrivals, failures: failures, wakeUps: wakeUps) }
    }

    /// What has happened so far.
    struct Seen: Sendable {
        var arrivals: [Arrival]
        var failures: [UDPFailure]
        var wakeUps: Int

        var datagrams: [[UInt8]] { arrivals.flatMap(\.datagrams) }
    }

    let socket: UDPSocket
    var onReceived: ((borrowing UDPReceived, UDPSocket) -> Void)?
    var onWritable: ((UDPSocket) -> Void)?
    private let state = Mutex(State())

    init(_ socket: UDPSocket) { self.socket = socket }

    var seen: Seen { state.withLock { $0.seen } }

    /// Waits until what was seen satisfies `isMet`; one waits at a time.
    @discardableResult
    func wait(until isMet: @escaping @Sendable (Seen) -> Bool) async -> Seen {
        await withCheckedContinuation { continuation in
            let isMetNow = state.withLock { state in
                if isMet(state.seen) { return true }
                state.waiter = (isMet, continuation)
                return false
            }
            if isMetNow { continuation.resume() }
        }
        return seen
    }

    /// Waits for `count` datagrams.
    @discardableResult
    func wait(for count: Int) async -> [[UInt8]] { await wait { $0.datagrams.count >= count }.datagrams }

    private func note(_ change: (inout State) -> Void) {
        let met = state.withLock { state -> CheckedContinuation<Void, Never>? in
            change(&state)
            guard let waiter = state.waiter, waiter.isMet(state.seen) else { return nil }
            state.waiter = nil
            return waiter.continuation
        }
        met?.resume()
    }

    func received(_ datagrams: borrowing UDPReceived, on socket: UDPSocket) {
        let parts = (0..<datagrams.count).map { index in datagrams[index].withUnsafeBytes { Array($0) } }
        let arrival = Arrival(
            datagrams: parts, ecn: datagrams.ecn, local: datagrams.local, remote: datagrams.remote)
        if let onReceived { onReceived(datagrams, socket) } else { note { $0.arrivals.append(arrival) } }
    }

    func receivedAll(on socket: UDPSocket) { note { $0.wakeUps += 1 } }
    func writable(_ socket: UDPSocket) { onWritable?(socket) }
    func failed(_ failure: UDPFailure, on socket: UDPSocket) { note { $0.failures.append(failure) } }
}

/// Starts `peer`'s socket for as long as `body` runs.
func withStarted<Result>(_ peers: UDPPeer..., body: () async throws -> Result) async throws -> Result {
    for peer in peers { try await peer.socket.loop.perform { try peer.socket.start(peer) } }
    do {
        let result = try await body()
        for peer in peers { try await peer.socket.loop.perform { peer.socket.close() } }
        return result
    } catch {
        for peer in peers { try await peer.socket.loop.perform { peer.socket.close() } }
        throw error
    }
}

extension UDPSocket {
    /// Sends from a test's task.
    func send(
        _ bytes: [UInt8], segmentBytes: Int? = nil, ecn: ECN = .notCapable, from local: InternetAddress? = nil,
        to remote: InternetAddress
    ) async throws -> UDPSendResult {
        try await loop.perform {
            self.send(bytes.span.bytes, segmentBytes: segmentBytes, ecn: ecn, from: local, to: remote)
        }
    }
}

extension UDPConfiguration {
    /// Without `features`.
    static func without(_ features: UDPFeatures) -> UDPConfiguration {
        var configuration = UDPConfiguration()
        configuration.features.subtract(features)
        return configuration
    }
}

/// Bytes that tell where they are.
func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}

/// `bytes` in parts of `size`.
func parts(of bytes: [UInt8], _ size: Int) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
}
