import NodeTransport
import QUICEngine
import Testing
import TransportTestKit

/// What the three ways of congestion control make of the same losses, in virtual time.
@Suite("QUIC congestion control under loss")
struct CongestionTests {
    private static let algorithms: [(name: String, QUICConfiguration.CongestionControl)] = [
        ("Reno", .reno), ("CUBIC", .cubic), ("BBR", .bbr),
    ]

    /// How long 2 MiB take over 20 ms and 10 Mbit/s or so; they arrive as they were sent.
    private func time(
        _ algorithm: QUICConfiguration.CongestionControl, loss: Double, seed: UInt64
    ) throws -> Duration {
        var conditions = LinkConditions(delay: .milliseconds(20), loss: loss)
        conditions.rateLimit = .init(bytesPerSecond: 1_250_000, queueBytes: 64 << 10)
        var configuration = QUICConfiguration()
        configuration.congestionControl = algorithm
        let lab = try TransferLab(seed: seed, conditions, client: configuration, server: configuration)
        let connection = try lab.handshake()
        let time = try lab.transfer(.random(2 << 20, seed: seed), over: connection, within: .seconds(300))
        #expect(lab.network.statistics(from: "client", to: "server").lost > 0)
        try lab.finish()
        return time
    }

    @Test(arguments: [0.01, 0.03]) func `each brings a transfer through, and BBR is not the slower`(loss: Double) throws
    {
        var sums: [String: Duration] = [:]
        for seed in UInt64(0)..<3 {
            for (name, algorithm) in Self.algorithms {
                let time = try time(algorithm, loss: loss, seed: seed)
                print("2 MiB at \(Int(loss * 100)) % loss, seed \(seed), \(name): \(time)")
                sums[name, default: .zero] += time
            }
        }
        guard loss == 0.03, let reno = sums["Reno"], let bbr = sums["BBR"] else { return }
        // Losses that tell nothing of the way's width do not slow BBR as they slow Reno.
        #expect(bbr <= reno, "BBR \(bbr), Reno \(reno)")
    }
}
