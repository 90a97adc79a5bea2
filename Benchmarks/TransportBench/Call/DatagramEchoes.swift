internal import NodeTransport
internal import Synchronization

/// Datagrams on one connection, and who waits for which of them to come back.
final class DatagramEchoes: Sendable {
    private struct Waiter {
        let since: Int64
        var isBack = false
        var continuation: CheckedContinuation<Bool, Never>?
    }

    /// What has not come back in this time is lost.
    private static let patience: Int64 = 200_000_000

    private let connection: any Connection
    private let waiters = Mutex<[Int: Waiter]>([:])
    private let tasks = Mutex<[Task<Void, Never>]>([])

    init(_ connection: any Connection) {
        self.connection = connection
        // Both end by `stop()`.
        let reader = Task(executorPreference: connection.executor) { [self] in
            while let datagram = try? await connection.receiveDatagram() {
                end(datagram.splitNumber(byteCount: 7).number, isBack: true)
            }
        }
        let sweeper = Task { [self] in
            while (try? await Task.sleep(for: .nanoseconds(Self.patience / 2))) != nil { sweep() }
        }
        tasks.withLock { $0 = [reader, sweeper] }
    }

    /// Round trips until one comes back: the session that datagrams belong to is open then. Ten at most.
    nonisolated(nonsending) func begin() async throws {
        for number in 1...10 {
            if try await isBack(number, size: 8) { return }
        }
        throw NothingComesBack()
    }

    struct NothingComesBack: Error {}

    func stop() {
        for task in tasks.withLock({ $0 }) { task.cancel() }
    }

    /// Round trips one after the other.
    nonisolated(nonsending) func run(task: Int, size: Int, _ measurement: Measurement) async throws {
        var number = (task + 1) << 32
        while let intended = await measurement.next() {
            number += 1
            if try await isBack(number, size: size) {
                measurement.record(intended, payloadBytes: size)
            } else {
                measurement.lost()
            }
        }
    }

    private nonisolated(nonsending) func isBack(_ number: Int, size: Int) async throws -> Bool {
        var datagram = BytesBuilder(capacity: max(size, 8))
        datagram.append(bigEndian: UInt64(number) << 8)
        datagram.append(contentsOf: repeatElement(0x5a, count: max(size - 8, 0)))
        waiters.withLock { $0[number] = Waiter(since: Measurement.now) }
        try await connection.sendDatagram(datagram.finish())
        return await withCheckedContinuation { continuation in
            let isBack = waiters.withLock { waiters in
                if waiters[number]?.isBack == true {
                    waiters[number] = nil
                    return true
                }
                waiters[number]?.continuation = continuation
                return false
            }
            if isBack { continuation.resume(returning: true) }
        }
    }

    private func end(_ number: Int, isBack: Bool) {
        let continuation = waiters.withLock { waiters -> CheckedContinuation<Bool, Never>? in
            guard let continuation = waiters[number]?.continuation else {
                waiters[number]?.isBack = isBack
                return nil
            }
            waiters[number] = nil
            return continuation
        }
        continuation?.resume(returning: isBack)
    }

    private func sweep() {
        let before = Measurement.now - Self.patience
        let late = waiters.withLock { $0.filter { $1.since < before && $1.continuation != nil }.map(\.key) }
        for number in late { end(number, isBack: false) }
    }
}
