import Foundation

/// Which seeds a run takes. `QUIC_FAULT_SEED=17` repeats one and prints what happened; `QUIC_FAULT_SEEDS=20000` takes
/// more than the default.
enum FaultSeeds {
    static let chunk: UInt64 = 50

    static var only: UInt64? { ProcessInfo.processInfo.environment["QUIC_FAULT_SEED"].flatMap { UInt64($0) } }
    static var count: UInt64 {
        ProcessInfo.processInfo.environment["QUIC_FAULT_SEEDS"].flatMap { UInt64($0) } ?? 1000
    }
    static var isVerbose: Bool { ProcessInfo.processInfo.environment["QUIC_FAULT_FIGURES"] != nil || only != nil }

    /// The seeds in pieces that may run at a time.
    static var chunks: [Range<UInt64>] {
        if let only { return [only..<only + 1] }
        return stride(from: 0, to: count, by: Int(chunk)).map { $0..<min($0 + chunk, count) }
    }
}
