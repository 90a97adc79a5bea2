/// Reads what h2load prints.
enum H2LoadOutput {
    /// - Returns: The rate and the mean latency; nil unless all `count` requests succeeded.
    static func figures(_ output: String, count: Int) -> Figures? {
        guard output.contains("\(count) succeeded, 0 failed, 0 errored, 0 timeout"),
            let match = output.firstMatch(of: #/finished in \S+, ([\d.]+) req/s/#), let rate = Double(match.1)
        else { return nil }
        var figures: Figures = [.rate: rate, .calls: Double(count), .errors: 0]
        // The columns are least, greatest, mean; it prints no percentiles.
        if let match = output.firstMatch(of: #/time for request:\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)/#),
            let mean = Double(match.1)
        {
            figures[.mean] = mean * (match.2 == "us" ? 1 : match.2 == "ms" ? 1e3 : 1e6)
        }
        return figures
    }
}
