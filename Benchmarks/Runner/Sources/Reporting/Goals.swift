/// The goals of the project, next to what was measured.
enum Goals {
    static let all: [Goal] =
        [
            against("gRPC server under h2load, 100 streams", .rate, "h2load:grpc:64B:c100", "grpc-cpp", 2.5),
            against("gRPC server under h2load, 100 streams", .rate, "h2load:grpc:64B:c100", "grpc-swift", 12),
            against(
                "its CPU a call", .serverProcessor, "h2load:grpc:64B:c100", "grpc-cpp", 0.25, .atMost),
            against("gRPC, own client, 100 at a time", .rate, "grpc:unary:64B:c100", "grpc-cpp", 5),
            against("gRPC, own client, 1 at a time", .rate, "grpc:unary:64B:c1", "grpc-cpp", 1.5),
            Goal(
                title: "gRPC, its time beside bare TCP's", measured: .init(metric: .p50, work: "grpc:unary:64B:c1"),
                reference: .init(metric: .p50, work: "tcp:ping-pong:c1", contestant: "limits"), relation: .atMost,
                bound: 1.6),
            against("gRPC, 1 MiB messages", .rate, "grpc:unary:1MiB:c10", "grpc-cpp", 2),
            against("gRPC over TLS, 1 MiB messages", .rate, "grpc-tls:unary:1MiB:c10", "grpc-cpp", 1.3),
            against("QUIC streams, 1 at a time", .rate, "quic:unary:64B:c1", "quinn", 1.5),
            against("QUIC streams, 100 at a time", .rate, "quic:unary:64B:c100", "quinn", 1.2),
            against("QUIC bulk", .megabytes, "quic:bulk:c1", "quinn", 1.1),
            against("QUIC handshakes", .rate, "quic:handshake:c16", "quinn", 1.1),
            Goal(
                title: "gRPC over HTTP/3 beside our own over TLS",
                measured: .init(metric: .rate, work: "h3:unary:64B:c100"),
                reference: .init(metric: .rate, work: "grpc-tls:unary:64B:c100"), bound: 0.5),
            against("gRPC over HTTP/3, 100 at a time", .rate, "h3:unary:64B:c100", "aioquic", 5),
            against("gRPC over HTTP/3, 100 at a time", .rate, "h3:unary:64B:c100", "quic-go", 3),
        ] + idle
        + [
            Goal(
                title: "server's CPU a call, 1,000 connections beside 1",
                measured: .init(metric: .serverProcessor, work: "grpc:scale:n1000"),
                reference: .init(metric: .serverProcessor, work: "grpc:scale:n1"), relation: .atMost, bound: 1.3)
        ] + broadcast + stack

    /// Goals that no program of this benchmark tells anything about.
    static let elsewhere = [
        "allocations and instructions of a call (≤ 6, ≤ 20 k): 'make counts'",
        "stubs of grpc-swift-2 over our wire (≥ 4 ×)",
    ]

    /// The works in their order, those together that a goal compares with each other.
    static func groups(_ works: [Work]) -> [[Work]] {
        let links = all.compactMap { goal in goal.reference.map { (goal.measured.work, $0.work) } }.filter { $0 != $1 }
        var groups: [[Work]] = []
        for work in works {
            let linked = groups.indices.filter { index in
                groups[index].contains { other in
                    links.contains { $0 == (work.id, other.id) || $0 == (other.id, work.id) }
                }
            }
            guard let first = linked.first else {
                groups.append([work])
                continue
            }
            for index in linked.dropFirst().reversed() { groups[first] += groups.remove(at: index) }
            groups[first].append(work)
        }
        return groups
    }

    private static let idle: [Goal] = [("grpc", 12.0), ("grpc-tls", 40), ("h3", 60), ("quic", 60)].map {
        wire, kibibytes in
        Goal(
            title: "server's memory for an idle connection, \(wire)",
            measured: .init(metric: .idleBytes, work: "\(wire):idle:n1000"), relation: .atMost,
            bound: kibibytes * 1024, unit: "bytes")
    }

    /// What the caller takes for one peer of a broadcast: to 100 beside a call alone, beside 100 calls under way on as
    /// many connections, where the kernel too has a hundred to tell of at a time; and whether it grows with the peers.
    private static let broadcast: [Goal] = [
        ("a broadcast to 100 peers, caller's CPU for each, beside a call alone", "grpc:unary:64B:c1", 1.0),
        ("the same beside calls on 100 connections at a time", "grpc:scale:n100", 1),
        ("the same beside a broadcast to 8", "grpc:broadcast:n8", 8),
    ].map { title, work, count in
        Goal(
            title: title, measured: .init(metric: .clientProcessor, work: "grpc:broadcast:n100", count: 100),
            reference: .init(metric: .clientProcessor, work: work, count: count), relation: .atMost, bound: 1.1)
    }

    private static let stack: [Goal] = [1, 100].map { concurrency in
        let work = "grpc:unary:64B:c\(concurrency)"
        return Goal(
            title: "the whole resilience stack, CPU a call beside a bare call, \(concurrency) at a time",
            measured: .init(metric: .clientProcessor, work: work, contestant: Contestant.resilient),
            reference: .init(metric: .clientProcessor, work: work), relation: .atMost, bound: 1.15)
    }

    private static func against(
        _ title: String, _ metric: Metric, _ work: String, _ rival: String, _ bound: Double,
        _ relation: Goal.Relation = .atLeast
    ) -> Goal {
        Goal(
            title: "\(title), beside \(rival)", measured: .init(metric: metric, work: work),
            reference: .init(metric: metric, work: work, contestant: rival), relation: relation, bound: bound)
    }

    static func table(_ results: Results) -> TextTable {
        var table = TextTable(rows: [["goal", "", "wanted", "measured"]])
        for goal in all {
            let (state, value) =
                switch goal.outcome(results) {
                case .met(let value): ("met", "\(shown(value)) \(goal.unit)")
                case .notMet(let value): ("not met", "\(shown(value)) \(goal.unit)")
                case .unknown(let what): ("not measured: \(what)", "–")
                }
            table.rows.append([goal.title, state, goal.wanted, value])
        }
        for title in elsewhere { table.rows.append([title, "not part of this run", "", "–"]) }
        return table
    }
}
