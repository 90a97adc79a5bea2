import ForeignPeers
import Foundation
import GRPCTransport
import NodeTransport
import Testing

/// Connections that are over leave nothing behind.
@Suite(.timeLimit(.minutes(5))) struct DescriptorTests {
    @Test func `a thousand connections come and go, and every descriptor is given back`() async throws {
        try await ConnectionRig.run { rig in
            let port = try #require(rig.listener.endpoint.port)
            let before = try Sockets.open(at: port)
            for _ in 0..<10 {
                let connections = try await withThrowingTaskGroup(of: (any Connection).self) { group in
                    for _ in 0..<100 { group.addTask { try await rig.client.connect(to: rig.listener.endpoint) } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let during = try Sockets.open(at: port)
                // The kernel's table may move under the reader, so it is not exact.
                #expect(during > before + 150)
                for connection in connections {
                    #expect(try await connection.call(Echo.unary, Bytes([1])) == Bytes([1]))
                }
                await withTaskGroup { group in
                    for connection in connections { group.addTask { await connection.close(within: .seconds(10)) } }
                }
            }
            // The last ones close when the other side has; each call here is a turn of the loops.
            while try Sockets.open(at: port) != before { _ = try await rig.connection.call(Echo.unary, Bytes()) }
        }
    }

    @Test func `peers that vanish leave no descriptor`() async throws {
        let identities = TestIdentities.shared
        try await ConnectionRig.run(.mutualTLS(identity: identities.node, trust: identities.trust)) { rig in
            let port = try #require(rig.listener.endpoint.port)
            let before = try Sockets.open(at: port)
            let endpoint = rig.listener.endpoint
            try await blocking {
                for index in 0..<100 {
                    let socket = try RawSocket(to: endpoint)
                    if index % 2 == 0 { socket.send(Array("not TLS at all".utf8)) }
                }
            }
            while try Sockets.open(at: port) != before { _ = try await rig.connection.call(Echo.unary, Bytes()) }
        }
    }
}

/// The sockets of this process; other tests open and close theirs meanwhile, so they are told apart by their port.
enum Sockets {
    /// How many descriptors are TCP sockets with `port` on either side.
    static func open(at port: Int) throws -> Int {
        let inodes = try inodes(at: port)
        let folder = "/proc/self/fd"
        return try FileManager.default.contentsOfDirectory(atPath: folder).count { name in
            // A descriptor may be gone since.
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)"),
                target.hasPrefix("socket:[")
            else { return false }
            return inodes.contains(String(target.dropFirst("socket:[".count).dropLast()))
        }
    }

    private static func inodes(at port: Int) throws -> Set<String> {
        let digits = String(port, radix: 16, uppercase: true)
        let suffix = ":" + String(repeating: "0", count: 4 - digits.count) + digits
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/net/tcp"))
        let table = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
        return Set(
            table.split(separator: "\n").dropFirst().compactMap { line in
                let columns = line.split(separator: " ")
                let isOurs = columns.count > 9 && (columns[1].hasSuffix(suffix) || columns[2].hasSuffix(suffix))
                guard isOurs else { return nil }
                return String(columns[9])
            })
    }
}
