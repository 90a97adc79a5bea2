import Foundation
import NodeTransport
import QUICEngine
import Synchronization
import Testing

/// aioquic, as a client of our server and as a server for our client.
@Suite("aioquic", .timeLimit(.minutes(8)), .enabled(if: Aioquic.isPresent))
struct AioquicTests {
    @Test(arguments: [
        "echo", "big", "streams", "datagrams", "key_update", "connection_id", "rebinding", "resumption", "early_data",
        "version_negotiation", "alpn_mismatch", "tls_key_update", "retry",
    ])
    func `Our server serves aioquic's client`(name: String) async throws {
        let files = try Aioquic.Files()
        defer { files.remove() }
        let outcome = try await Aioquic.onThread { () throws -> String in
            var configuration = QUICConfiguration()
            if name == "retry" { configuration.retry = .always }
            let pump = try UDPPump(
                {
                    QUICEndpoint(configuration: configuration, server: try .server(earlyData: true))
                }, behaviour: .echo)
            let peer = try Aioquic([
                "call", "--target", "127.0.0.1:\(pump.node.address.port)",
                "--tls-ca", files.authority, "--case", name,
            ])
            pump.run { peer.isOver }
            return peer.output
        }
        #expect(outcome.contains("\"ok\": true"), "\(outcome)")
    }

    @Test(arguments: [false, true])
    func `Our client is served by aioquic's server, with and without Retry`(retry: Bool) async throws {
        let files = try Aioquic.Files()
        defer { files.remove() }
        try await Aioquic.onThread {
            let peer = try Aioquic(
                ["serve", "--tls-cert", files.certificate, "--tls-key", files.key] + (retry ? ["--retry"] : []))
            let port = try #require(peer.port)
            let pump = try UDPPump(
                { QUICEndpoint(configuration: QUICConfiguration(), client: try .client()) }, behaviour: .collect)
            let node = pump.node
            let remote = try #require(QUICAddress("127.0.0.1", port: port))
            let connection = try node.endpoint.connect(
                to: QUICPath(local: node.address, remote: remote), serverName: "localhost", now: pump.now)
            #expect(pump.run { node.confirmed == 1 }, "\(node.closes)")

            var bodies: [Int64: [UInt8]] = [:]
            for index in 0..<50 {
                let stream = try connection.openStream(isBidirectional: true)
                let body = (0..<(index == 0 ? 1 << 20 : 1000)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) }
                bodies[stream.id] = body
                node.send(stream, Bytes(body), isLast: true)
            }
            _ = try connection.sendDatagram("ping")
            #expect(pump.run { node.closedStreams.count == 50 && !node.datagrams.isEmpty }, "\(node.closes)")
            #expect(node.received == bodies)
            #expect(node.datagrams == ["ping"])

            try connection.initiateKeyUpdate(now: pump.now)
            let stream = try connection.openStream(isBidirectional: true)
            _ = connection.write(stream, "after the update", isLast: true)
            #expect(pump.run { node.closedStreams[stream.id] != nil }, "\(node.closes)")

            // Resumption, with early data.
            #expect(pump.run { !node.tickets.isEmpty })
            let session = try #require(node.tickets.last)
            connection.close(code: 0, reason: "done", now: pump.now)
            let early = try UDPPump(
                { QUICEndpoint(configuration: QUICConfiguration(), client: try .client(earlyData: true)) },
                behaviour: .collect)
            let second = try early.node.endpoint.connect(
                to: QUICPath(local: early.node.address, remote: remote), serverName: "localhost", session: session,
                now: early.now)
            let first = try second.openStream(isBidirectional: true)
            _ = second.write(first, "early", isLast: true)
            #expect(early.run { early.node.ended.contains(first.id) }, "\(early.node.closes)")
            #expect(early.node.received[first.id] == Array("early".utf8))
            #expect(second.isResumed)
            #expect(second.isEarlyDataAccepted)
            second.close(code: 0, now: early.now)
            early.run(for: .milliseconds(1)) { false }
        }
    }

    @Test func `A server that sends a TLS message which QUIC forbids loses its connection`() async throws {
        let files = try Aioquic.Files()
        defer { files.remove() }
        try await Aioquic.onThread {
            let peer = try Aioquic(["serve", "--tls-cert", files.certificate, "--tls-key", files.key])
            let port = try #require(peer.port)
            let pump = try UDPPump(
                { QUICEndpoint(configuration: QUICConfiguration(), client: try .client()) }, behaviour: .collect)
            let remote = try #require(QUICAddress("127.0.0.1", port: port))
            let connection = try pump.node.endpoint.connect(
                to: QUICPath(local: pump.node.address, remote: remote), serverName: "localhost", now: pump.now)
            #expect(pump.run { pump.node.confirmed == 1 && !pump.node.tickets.isEmpty }, "\(pump.node.closes)")

            let stream = try connection.openStream(isBidirectional: true)
            _ = connection.write(stream, "TLS KeyUpdate, please", isLast: true)
            #expect(pump.run { !pump.node.closes.isEmpty })
            guard case .tls(alert: 10, _, byPeer: false) = pump.node.closes.first else {
                Issue.record("\(pump.node.closes)")
                return
            }
        }
    }
}

/// A running `quic_peer.py`.
final class Aioquic {
    struct Files {
        let folder: String
        let authority: String
        let certificate: String
        let key: String

        init() throws {
            let url = FileManager.default.temporaryDirectory.appending(path: "quic-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            folder = url.path
            let material = try TestIdentity.server.get()
            (authority, certificate, key) = (folder + "/ca.pem", folder + "/cert.pem", folder + "/key.pem")
            try Data(material.authorityPEM).write(to: URL(fileURLWithPath: authority))
            try Data(material.chainPEM).write(to: URL(fileURLWithPath: certificate))
            try Data(material.keyPEM).write(to: URL(fileURLWithPath: key))
        }

        func remove() { try? FileManager.default.removeItem(atPath: folder) }
    }

    private static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let python = root.appending(path: ".venv/bin/python").path

    static let isPresent: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = ["-c", "import aioquic"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    private let process = Process()
    private let input = Pipe()
    private let outputPipe = Pipe()

    init(_ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: Self.python)
        process.arguments = [Self.root.appending(path: "Tests/Interop/python/quic_peer.py").path] + arguments
        process.standardInput = input
        process.standardOutput = outputPipe
        try process.run()
    }

    deinit {
        try? input.fileHandleForWriting.close()
        // SIGTERM may be blocked: a program inherits the mask of the thread that started it.
        if process.isRunning { _ = kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    var isOver: Bool { !process.isRunning }
    var output: String { String(decoding: outputPipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) }

    /// What a server said where it listens.
    var port: UInt16? {
        var line = Data()
        while let byte = try? outputPipe.fileHandleForReading.read(upToCount: 1)?.first, byte != 10 {
            line.append(byte)
        }
        return UInt16(String(decoding: line, as: UTF8.self).dropFirst("LISTENING ".count))
    }

    /// Runs what blocks on a thread that tasks do not need.
    static func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }
}
