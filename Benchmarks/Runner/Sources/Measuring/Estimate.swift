/// How long a run takes, by what rounds took on a machine with two cores.
enum Estimate {
    /// Seconds for a work with these contestants, their servers' start and end included.
    static func seconds(_ work: Work, _ contestants: [Contestant], rounds: Int, seconds: Double) -> Double {
        contestants.map { contestant in
            let start = contestant.isSlowToStart ? 0.6 : 0.15
            var round = 1.2 * seconds + start + connecting(work)
            switch work.kind {
            case .closed, .open: break
            // It warms up by a run of its own.
            case .h2load: round += 0.2
            // It goes on for a second at least, after a first call, and with a new server each time.
            case .idle: round += 1.2 * max(1 - seconds, 0) + 0.3 + 2 * start
            }
            return start + Double(rounds) * round
        }.reduce(0, +)
    }

    /// Connections are made before what is measured, and closed after it.
    private static func connecting(_ work: Work) -> Double {
        Double(work.connections) * (work.wire == "grpc" ? 0.0003 : 0.002)
    }

    /// `about 14 minutes`, `less than a minute`.
    static func shown(_ seconds: Double) -> String {
        let minutes = Int((seconds / 60).rounded())
        return minutes < 1 ? "less than a minute" : "about \(minutes) minute\(minutes == 1 ? "" : "s")"
    }
}

/// How far a run is.
struct RunProgress {
    private let estimates: [Double]
    private var done = 0
    private var taken = 0.0

    /// - Parameter estimates: Seconds of each work.
    init(estimates: [Double]) { self.estimates = estimates }

    mutating func ended(seconds: Double) {
        done += 1
        taken += seconds
    }

    /// Seconds still to go: what is left, as much longer or shorter than estimated as what is done was.
    var left: Double {
        let expected = estimates.prefix(done).reduce(0, +)
        let rest = estimates.dropFirst(done).reduce(0, +)
        // The first few say little.
        return expected > (expected + rest) / 5 ? rest * taken / expected : rest
    }

    func line(_ id: String) -> String {
        "[\(done + 1)/\(estimates.count)] \(id)  (\(Estimate.shown(left)) left)"
    }
}
