/// A line of the table: what is asked of every contestant that can do it.
struct Work: Codable, Sendable {
    /// How it is measured.
    enum Kind: String, Codable {
        /// The contestant's client calls its own server, the next call when one has ended.
        case closed
        /// The same at fixed times, whatever the answers do.
        case open
        /// h2load calls the contestant's server.
        case h2load
        /// The server's memory while connections do next to nothing.
        case idle
    }

    /// How much is measured: each has what is before it.
    enum Level: String, Codable, CaseIterable {
        case quick, standard, full
    }

    var id: String
    var kind: Kind
    var wire: String
    var scenario: String
    /// Bytes of a message; nil leaves it to the program.
    var size: Int?
    var concurrency = 1
    var connections = 1
    var level = Level.standard
    /// Whether ours takes part twice, bare and with the resilience stack.
    var hasStack = false

    /// What tells contestants apart here.
    var metric: Metric {
        switch kind {
        case .open: .p99
        case .idle: .idleBytes
        case .closed, .h2load: .rate
        }
    }

    /// What a program must list to take part.
    var pair: String { "\(wire):\(scenario)" }

    static func shownSize(_ bytes: Int) -> String {
        if bytes >= 1 << 20, bytes % (1 << 20) == 0 { return "\(bytes >> 20)MiB" }
        if bytes >= 1 << 10, bytes % (1 << 10) == 0 { return "\(bytes >> 10)KiB" }
        return "\(bytes)B"
    }
}
