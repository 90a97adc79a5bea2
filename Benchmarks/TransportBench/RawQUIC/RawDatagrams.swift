#if canImport(QUICTransport)
    internal import EventLoops
    internal import NodeTransport

    /// Datagrams on one connection, and who waits for which of them to come back. On the connection's loop.
    ///
    /// Soundness of `@unchecked Sendable`: it is used on its loop only; tasks run there by their executor.
    final class RawDatagrams: LoopTimerHandler, @unchecked Sendable {
        /// What has not come back in this time is lost.
        private static let patience: Int64 = 200_000_000

        private let connection: RawConnection
        private var waiting: [Int: (since: Int64, continuation: Suspension<Bool>)] = [:]
        private let timer = LoopTimer()

        init(_ connection: RawConnection) {
            self.connection = connection
            connection.onDatagram = { [unowned self] datagram in
                end(datagram.splitNumber(byteCount: 7).number, isBack: true)
            }
            connection.driver.loop.schedule(timer, for: self, after: .nanoseconds(Self.patience / 2))
        }

        func timerFired(_ timer: LoopTimer) {
            let before = Measurement.now - Self.patience
            for number in waiting.filter({ $1.since < before }).keys { end(number, isBack: false) }
            connection.driver.loop.schedule(timer, for: self, after: .nanoseconds(Self.patience / 2))
        }

        private func end(_ number: Int, isBack: Bool) {
            waiting.removeValue(forKey: number)?.continuation.resume(returning: isBack)
        }

        /// Round trips one after the other.
        nonisolated(nonsending) func run(task: Int, size: Int, _ measurement: Measurement) async throws {
            var number = task << 32
            let padding = [UInt8](repeating: 0x5a, count: max(size - 8, 0))
            while let intended = await measurement.next() {
                number += 1
                var datagram = BytesBuilder(capacity: max(size, 8))
                datagram.append(bigEndian: UInt64(number) << 8)
                datagram.append(contentsOf: padding)
                try connection.send(datagram: datagram.finish())
                let isBack = try await suspend { (suspension: Suspension<Bool>) in
                    waiting[number] = (Measurement.now, suspension)
                }
                if isBack {
                    measurement.record(intended, payloadBytes: size)
                } else {
                    measurement.lost()
                }
            }
        }
    }
#endif
