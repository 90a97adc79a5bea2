internal import CSystem
internal import EventLoops
internal import Glibc
internal import NodeTransport

/// One listening socket on one event loop.
///
/// Soundness of `@unchecked Sendable`: its state is used on the loop only.
final class Acceptor: LoopEventHandler, LoopTimerHandler, @unchecked Sendable {
    /// How long accepting rests when the process is out of descriptors or memory.
    private static let rest: Duration = .milliseconds(100)
    private static let acceptsPerTurn = 64

    private let loop: EventLoop
    private let descriptor: Int32
    private let targets: [EventLoop]
    // Confined to the loop. The listener outlives its acceptor's registration, which `stop()` ends.
    private var listener: GRPCListener?
    private var registration: LoopRegistration?
    private let timer = LoopTimer()
    private var nextTarget = 0

    init(loop: EventLoop, descriptor: Int32, listener: GRPCListener, targets: [EventLoop]) {
        self.loop = loop
        self.descriptor = descriptor
        self.listener = listener
        self.targets = targets
    }

    func start() {
        do {
            registration = try loop.add(descriptor: descriptor, events: .readable, handler: self)
        } catch {
            failed(error.description)
            loop.schedule(timer, for: self, after: Self.rest)
        }
    }

    /// Stops accepting and closes the socket.
    func stop() async {
        try? await suspend { (continuation: Suspension<Void>) in
            loop.execute {
                self.close()
                continuation.resume()
            }
        }
    }

    private func close() {
        guard listener != nil else { return }
        listener = nil
        loop.cancel(timer)
        registration.take().map { loop.remove($0, descriptor: descriptor) }
        cs_close(descriptor)
    }

    func handle(_ events: LoopEvents) {
        for _ in 0..<Self.acceptsPerTurn {
            guard let listener else { return }
            var storage = sockaddr_storage()
            var length: socklen_t = 0
            let accepted = unsafe cs_accept(descriptor, &storage, &length)
            guard accepted >= 0 else { return acceptFailed(-accepted) }
            let target = targets[nextTarget % targets.count]
            nextTarget &+= 1
            listener.accepted(accepted, from: SocketAddress(storage: storage), on: target)
        }
    }

    private func acceptFailed(_ errno: Int32) {
        switch errno {
        case EAGAIN, EINTR, ECONNABORTED, EPROTO: return
        default:
            // The socket stays readable; without a rest the loop would spin.
            failed(systemMessage(errno))
            registration.take().map { loop.remove($0, descriptor: descriptor) }
            loop.schedule(timer, for: self, after: Self.rest)
        }
    }

    private func failed(_ reason: String) {
        let error = TransportError(.unavailable, "accepting failed: \(reason)", origin: .library)
        listener?.report(TransportEvent(.acceptFailed, remoteEndpoint: nil, error: error))
    }

    func timerFired(_ timer: LoopTimer) { if listener != nil { start() } }
}
