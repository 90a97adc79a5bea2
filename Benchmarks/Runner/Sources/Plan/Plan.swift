/// All that can be measured, in the order in which it is.
enum Plan {
    static let kibibyte = 1024
    static let mebibyte = 1024 * 1024

    static let works: [Work] = {
        var works: [Work] = []
        for wire in ["grpc", "grpc-tls", "h3", "quic"] {
            works += unary(wire) + streams(wire) + connecting(wire) + scaling(wire)
            works.append(
                Work(
                    id: "\(wire):open:64B:c100", kind: .open, wire: wire, scenario: "unary", size: 64, concurrency: 100,
                    level: wire == "grpc" || wire == "quic" ? .quick : .full))
            works.append(
                Work(
                    id: "\(wire):idle:n1000", kind: .idle, wire: wire, scenario: "unary", size: 64, concurrency: 1000,
                    connections: 1000, level: .quick))
            // Raw streams have no calls to make many of.
            if wire != "quic" { works += broadcasts(wire) }
        }
        return h2load + works + plain + bare
    }()

    private static let h2load: [Work] = [("grpc", 1), ("grpc", 100), ("grpc-tls", 100)].map { wire, streams in
        Work(
            id: "h2load:\(wire):64B:c\(streams)", kind: .h2load, wire: wire, scenario: "unary", size: 64,
            concurrency: streams, level: wire == "grpc" ? .quick : .full)
    }

    /// Requests over HTTP/3 without gRPC: a server that knows no gRPC takes part.
    private static let plain: [Work] = [(64, 100), (mebibyte, 10)].map { size, concurrency in
        Work(
            id: "h3:get:\(Work.shownSize(size)):c\(concurrency)", kind: .closed, wire: "h3", scenario: "get",
            size: size,
            concurrency: concurrency)
    }

    /// One after the other, each to all connections.
    private static func broadcasts(_ wire: String) -> [Work] {
        [1, 8, 64, 100, 256].map { n in
            Work(
                id: "\(wire):broadcast:n\(n)", kind: .closed, wire: wire, scenario: "broadcast", size: 64,
                connections: n, level: wire != "grpc" ? .full : n == 8 || n == 100 ? .quick : .standard)
        }
    }

    /// The floor under all: what sockets without a protocol do.
    private static let bare: [Work] = [
        ("tcp", "ping-pong", Work.Level.quick), ("tcp", "bulk", .standard), ("tcp", "handshake", .standard),
        ("udp", "ping-pong", .standard), ("udp", "bulk", .full),
    ].map { wire, scenario, level in
        Work(id: "\(wire):\(scenario):c1", kind: .closed, wire: wire, scenario: scenario, level: level)
    }

    private static func unary(_ wire: String) -> [Work] {
        [64, kibibyte, 64 * kibibyte, mebibyte].flatMap { size in
            [1, 10, 100, 1000].map { concurrency in
                Work(
                    id: "\(wire):unary:\(Work.shownSize(size)):c\(concurrency)", kind: .closed, wire: wire,
                    scenario: "unary", size: size, concurrency: concurrency, level: level(wire, size, concurrency),
                    hasStack: wire != "quic" && size == 64 && (concurrency == 1 || concurrency == 100))
            }
        }
    }

    private static func level(_ wire: String, _ size: Int, _ concurrency: Int) -> Work.Level {
        switch (wire, size, concurrency) {
        case (_, 64, 100), ("grpc", 64, 1), ("quic", 64, 1), ("grpc", mebibyte, 10), ("grpc-tls", mebibyte, 10): .quick
        case (_, 64, 1), ("grpc", 64, _), (_, kibibyte, 100), ("grpc", _, 1), ("grpc", 64 * kibibyte, 100): .standard
        case ("quic", 64 * kibibyte, 100), ("h3", mebibyte, 10): .standard
        default: .full
        }
    }

    private static func hasDatagrams(_ wire: String) -> Bool { wire == "h3" || wire == "quic" }

    private static func streams(_ wire: String) -> [Work] {
        func work(_ scenario: String, _ level: Work.Level) -> Work {
            Work(
                id: "\(wire):\(scenario):c1", kind: .closed, wire: wire, scenario: scenario, level: level)
        }
        let others: Work.Level = wire == "grpc" ? .standard : .full
        let works = [
            work("client-stream", others), work("server-stream", others),
            work("ping-pong", wire == "quic" ? .standard : others), work("bulk", wire == "quic" ? .quick : .standard),
        ]
        return hasDatagrams(wire) ? works + [work("datagram", .standard)] : works
    }

    private static func connecting(_ wire: String) -> [Work] {
        let handshakes: Work.Level = wire == "quic" || wire == "grpc-tls" ? .quick : .standard
        let scenarios = [("handshake", handshakes)] + (wire == "grpc" ? [] : [("resume", Work.Level.standard)])
        return scenarios.map { scenario, level in
            Work(
                id: "\(wire):\(scenario):c16", kind: .closed, wire: wire, scenario: scenario, concurrency: 16,
                level: level)
        }
    }

    /// One call under way on each connection.
    private static func scaling(_ wire: String) -> [Work] {
        [1, 8, 100, 1000].map { n in
            var level: Work.Level = wire == "grpc" ? .standard : .full
            if wire == "grpc", n != 8 { level = .quick }
            if wire == "quic", n == 1 || n == 100 { level = .standard }
            return Work(
                id: "\(wire):scale:n\(n)", kind: .closed, wire: wire, scenario: "unary", size: 64, concurrency: n,
                connections: n, level: level)
        }
    }

    /// - Parameter only: A regular expression that a work's id has to have.
    static func selected(_ level: Work.Level, only: String? = nil) throws -> [Work] {
        let levels = Work.Level.allCases.prefix(through: Work.Level.allCases.firstIndex(of: level) ?? 0)
        let pattern = try only.map { try Regex($0) }
        return works.filter { work in
            guard levels.contains(work.level) else { return false }
            return pattern.map { work.id.firstMatch(of: $0) != nil } ?? true
        }
    }
}
