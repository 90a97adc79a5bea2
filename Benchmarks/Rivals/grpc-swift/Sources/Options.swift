internal import Foundation

func fail(_ why: String) -> Never {
    complain("error: \(why)")
    exit(2)
}

/// What was asked for is not something that this program does.
func unsupported(_ what: String) -> Never {
    complain("unsupported: \(what)")
    exit(64)
}

/// `--name value` pairs.
struct Options: Sendable {
    static let pairs = ["grpc", "grpc-tls"].flatMap { wire in
        ["unary", "client-stream", "server-stream", "ping-pong", "handshake", "bulk", "broadcast"].map {
            "\(wire):\($0)"
        }
    }

    private var values: [String: String] = [:]

    init(_ words: some Sequence<String>) {
        var name: String?
        for word in words {
            if let known = name {
                values[known] = word
                name = nil
            } else {
                guard word.hasPrefix("--") else { fail("expected --name value, got '\(word)'") }
                name = String(word.dropFirst(2))
            }
        }
    }

    var wire: String { values["wire"] ?? "grpc" }
    var scenario: String { values["scenario"] ?? "unary" }
    /// Half of the cores: the other end runs on the same machine.
    var threads: Int { count("threads", max(1, ProcessInfo.processInfo.activeProcessorCount / 2)) }

    func text(_ name: String) -> String? { values[name] }

    func needed(_ name: String) -> String {
        guard let value = values[name] else { fail("--\(name) is needed") }
        return value
    }

    func number(_ name: String, _ otherwise: Double) -> Double {
        guard let value = values[name] else { return otherwise }
        guard let number = Double(value), number >= 0 else { fail("--\(name) must be a number, and is '\(value)'") }
        return number
    }

    func count(_ name: String, _ otherwise: Int) -> Int { max(1, Int(number(name, Double(otherwise)))) }
}
