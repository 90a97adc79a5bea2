internal import CSystem
internal import EventLoops
internal import Glibc

/// Closes a socket so that what was written last arrives: ends the sending direction, and discards what comes until
/// the peer has closed too, or a second has passed.
///
/// A socket that is closed with unread bytes is reset by the kernel, and with it go an alert or a GOAWAY that
/// would have told the peer why.
final class LingeringClose: LoopEventHandler, LoopTimerHandler {
    private static let patience: Duration = .seconds(1)

    private let loop: EventLoop
    private let descriptor: Int32
    private var registration: LoopRegistration?
    private let timer = LoopTimer()

    /// Takes over `descriptor`, which nothing watches any more. The loop keeps the object until it is done.
    static func begin(_ descriptor: Int32, on loop: EventLoop) {
        cs_shutdown_write(descriptor)
        let closing = LingeringClose(loop, descriptor)
        do {
            let events = LoopEvents.input
            closing.registration = try loop.add(descriptor: descriptor, events: events, handler: closing)
            loop.schedule(closing.timer, for: closing, after: patience)
        } catch {
            cs_close(descriptor)
        }
    }

    private init(_ loop: EventLoop, _ descriptor: Int32) {
        self.loop = loop
        self.descriptor = descriptor
    }

    func handle(_ events: LoopEvents) {
        let room = unsafe loop.readBuffer
        let count = unsafe cs_read(descriptor, room.baseAddress, room.count)
        if count > 0 || count == -Int(EAGAIN) || count == -Int(EINTR) { return }
        close()
    }

    func timerFired(_ timer: LoopTimer) { close() }

    private func close() {
        loop.cancel(timer)
        registration.take().map { loop.remove($0, descriptor: descriptor) }
        cs_close(descriptor)
    }
}
