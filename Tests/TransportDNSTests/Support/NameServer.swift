import ForeignPeers
import Foundation
import Glibc
import NodeTransport
import Testing
import TransportDNS

/// BIND on a port of its own, with the zone `test.`, which tests change while it runs, and the zone
/// `broken.`, which has no records: questions about it are answered with SERVFAIL.
final class NameServer: Sendable {
    let endpoint: Endpoint
    private let port: Int
    private let folder: TemporaryFolder
    private let process: PeerProcess

    /// - Parameter records: Lines as in `update add`: `node 60 A 10.0.0.1`, under `test.`.
    init(_ records: [String] = []) async throws {
        port = try freePort()
        endpoint = try Endpoint(parsing: "udp://127.0.0.1:\(port)")
        folder = try TemporaryFolder()
        let configuration = """
            options {
                directory "\(folder.path)"; pid-file none; lock-file none; session-keyfile none;
                listen-on port \(port) { 127.0.0.1; }; listen-on-v6 { none; };
                recursion no; dnssec-validation no; minimal-responses yes; rrset-order { order random; };
            };
            controls { };
            logging { channel out { stderr; severity notice; print-time no; }; category default { out; }; };
            zone "test" { type primary; file "test.zone"; allow-update { any; }; };
            zone "broken" { type primary; file "missing.zone"; };
            """
        let zone = """
            $TTL 30
            @ SOA ns.test. root.test. 1 3600 600 86400 20
            @ NS ns.test.
            ns A 127.0.0.1
            \(records.map { "\($0)\n" }.joined())
            """
        try Data(configuration.utf8).write(to: URL(fileURLWithPath: "\(folder.path)/named.conf"))
        try Data(zone.utf8).write(to: URL(fileURLWithPath: "\(folder.path)/test.zone"))
        // A copy: where AppArmor knows the program by its path, it may not read this folder.
        try FileManager.default.copyItem(atPath: Peers.named, toPath: "\(folder.path)/named")
        (process, _) = try await PeerProcess.start(
            "/bin/sh", ["-c", "exec \(folder.path)/named -f -n 1 -c \(folder.path)/named.conf 2>&1"],
            announcing: "running")
    }

    deinit { folder.remove() }

    /// Changes the zone: `add node.test. 60 A 10.0.0.1`, `delete node.test.`.
    func update(_ changes: String...) async throws {
        let script = (["server 127.0.0.1 \(port)", "zone test."] + changes.map { "update \($0)" } + ["send"])
            .map { "\($0)\n" }.joined()
        let path = "\(folder.path)/update"
        try Data(script.utf8).write(to: URL(fileURLWithPath: path))
        let outcome = try await PeerProcess.run(Peers.nsupdate, [path])
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    /// Ends it at once.
    func kill() { process.kill() }

    var configuration: DNSConfiguration {
        var configuration = DNSConfiguration()
        configuration.servers = [endpoint]
        configuration.settingsFile = "/dev/null"
        configuration.hostsFile = nil
        // Long enough for a busy machine.
        configuration.queryTimeout = .seconds(10)
        return configuration
    }
}

/// A UDP and a TCP socket on the same port that never answer.
final class DeafSocket: Sendable {
    let port: Int
    private let descriptors: [Int32]

    init() throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        for _ in 0..<20 {
            let udp = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            let tcp = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            address.sin_port = 0
            let isBound = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(udp, $0, length) == 0 && getsockname(udp, $0, &length) == 0 && bind(tcp, $0, length) == 0
                }
            }
            if isBound {
                descriptors = [udp, tcp]
                port = Int(UInt16(bigEndian: address.sin_port))
                return
            }
            close(udp)
            close(tcp)
        }
        throw PeerProcess.Failure(description: "no port is free for both UDP and TCP")
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}
