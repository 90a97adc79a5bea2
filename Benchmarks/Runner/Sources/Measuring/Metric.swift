/// What is measured of a contestant in a round. The raw values name them in the JSON.
enum Metric: String, Codable, CodingKeyRepresentable, CaseIterable {
    case rate = "calls_per_second"
    case megabytes = "mb_per_second"
    case received = "received_mb_per_second"
    case mean = "mean_us"
    case p50 = "p50_us"
    case p90 = "p90_us"
    case p99 = "p99_us"
    case p999 = "p999_us"
    case maximum = "max_us"
    case clientProcessor = "cpu_us_per_call"
    case serverProcessor = "server_cpu_us_per_call"
    case clientPeak = "peak_rss_kib"
    case serverPeak = "server_peak_rss_kib"
    case idleBytes = "idle_bytes_per_connection"
    case calls
    case errors
    case lost
    case behind
    /// Calls a second that were asked for.
    case asked = "asked_per_second"

    var moreIsBetter: Bool { self == .rate || self == .megabytes || self == .received }
}

/// One round's figures.
typealias Figures = [Metric: Double]
