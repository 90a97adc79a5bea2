import ForeignPeers
import Foundation
import Testing

/// A firewall that drops UDP, as some networks have one, made of the kernel's own means.
@Suite(.enabled(if: NetworkNamespace.isPossible), .timeLimit(.minutes(2)))
struct FirewallTests {
    /// `connected by grpc after 270 ms`.
    private struct Line {
        let wire: String
        let milliseconds: Int

        init?(_ text: String) {
            guard let match = text.wholeMatch(of: /connected by (\w+) after (\d+) ms/), let number = Int(match.2) else {
                return nil
            }
            (wire, milliseconds) = (String(match.1), number)
        }
    }

    @Test func `Where UDP is dropped, TCP wins after the head start, and then at once`() async throws {
        let namespace = try await NetworkNamespace()
        try await namespace.run("/usr/sbin/iptables", "-A", "INPUT", "-p", "udp", "-j", "DROP")
        let outcome = try await namespace.run(NetworkNamespace.racing)
        let connections = outcome.lines.compactMap(Line.init)
        #expect(connections.map(\.wire) == ["grpc", "grpc", "grpc"], "\(outcome.output)")
        #expect((connections.first?.milliseconds ?? 0) >= 250, "\(outcome.output)")
        #expect(outcome.lines.count { $0.contains("udp_blocked") } == 1, "\(outcome.output)")
        // Packets were dropped, not refused.
        let counters = try await namespace.run("/usr/sbin/iptables", "-L", "INPUT", "-v", "-x", "-n")
        let dropped = counters.lines.first { $0.contains("DROP") && $0.contains("udp") || $0.contains(" 17 ") }
        #expect((dropped?.split(separator: " ").first.flatMap { Int($0) } ?? 0) > 0, "\(counters.output)")
        try await namespace.remove()
    }

    @Test func `Where nothing is dropped, QUIC is used`() async throws {
        let namespace = try await NetworkNamespace()
        // Patient: on a busy machine the usual head start may not be enough.
        let outcome = try await namespace.run(NetworkNamespace.racing, "--patient")
        #expect(outcome.lines.compactMap(Line.init).map(\.wire) == ["quic", "quic", "quic"], "\(outcome.output)")
        try await namespace.remove()
    }
}

/// A network of its own, with nothing but a loopback.
struct NetworkNamespace {
    private static let ip = "/usr/sbin/ip"
    private let name: String

    /// Whether such networks can be made here; says why not. `ip netns` needs to be root.
    static var isPossible: Bool {
        guard Peers.isThere(ip), Peers.isThere("/usr/sbin/iptables") else { return false }
        guard geteuid() == 0 else {
            print("not root: tests that need a network namespace are skipped")
            return false
        }
        // Root in a container may still not be allowed to.
        let probe = Process()
        probe.executableURL = URL(filePath: "/usr/bin/unshare")
        probe.arguments = ["--net", "/usr/sbin/iptables", "-L", "-n"]
        probe.standardOutput = FileHandle.nullDevice
        probe.standardError = FileHandle.nullDevice
        guard (try? probe.run()) != nil else { return false }
        probe.waitUntilExit()
        if probe.terminationStatus != 0 {
            print("no network namespace with a firewall can be made here: its tests are skipped")
        }
        return probe.terminationStatus == 0
    }

    /// The example, built with these tests.
    static var racing: String {
        let test = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: test ?? CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "racing")
            .path
    }

    init() async throws {
        name = "nt-\(UInt32.random(in: 0 ... .max))"
        try await Self.check([Self.ip, "netns", "add", name])
        try await run(Self.ip, "link", "set", "lo", "up")
    }

    func remove() async throws { try await Self.check([Self.ip, "netns", "del", name]) }

    /// Runs a program within it; one that fails takes the namespace with it.
    @discardableResult
    func run(_ arguments: String...) async throws -> PeerProcess.Outcome {
        do {
            return try await Self.check([Self.ip, "netns", "exec", name] + arguments)
        } catch {
            try await remove()
            throw error
        }
    }

    @discardableResult
    private static func check(_ command: [String]) async throws -> PeerProcess.Outcome {
        let outcome = try await PeerProcess.run(command[0], Array(command.dropFirst()))
        guard outcome.status == 0 else {
            throw PeerProcess.Failure(
                description: "\(command.joined(separator: " ")): \(outcome.output)\(outcome.errors)")
        }
        return outcome
    }
}
