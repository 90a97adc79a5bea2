import Foundation
import NodeTransport
import QUICTransport
import Testing
import TransportTLS

/// aioquic, which shares no code with ngtcp2 or nghttp3, calls our server and serves our client.
@Suite("aioquic", .enabled(if: Aioquic.isThere), .timeLimit(.minutes(2))) struct AioquicTests {
    @Test(arguments: ["unary", "server_stream", "concurrent", "unknown_method", "deadline"])
    func `aioquic's client is served, under mutual TLS`(_ name: String) async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try await Rig.run(files.mutual("server")) { rig in
            let outcome = try await Aioquic.call(
                ["--target", "127.0.0.1:\(rig.port)", "--case", name] + files.arguments("client"))
            #expect(outcome.output.contains("\"ok\": true"), "\(outcome.output) \(outcome.errors)")
        }
    }

    @Test func `a client without a certificate is refused`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        try await Rig.run(files.mutual("server")) { rig in
            let outcome = try await Aioquic.call(
                ["--target", "127.0.0.1:\(rig.port)", "--case", "unary", "--tls-ca", files.ca])
            // CRYPTO_ERROR with the alert certificate_required (RFC 9001 §4.8).
            #expect(outcome.output.contains("\"code\": \(0x100 + 116)"), "\(outcome.output) \(outcome.errors)")
            let event = await rig.events.first(.handshakeFailed)
            #expect((event.error?.cause as? TLSError)?.code == .noCertificate, "\(event)")
            #expect(event.error?.code == .unauthenticated)
        }
    }

    @Test func `our client is served`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let (peer, port) = try await Aioquic.serve(
            ["--tls-cert", files.certificate("server"), "--tls-key", files.key("server")])
        let client = try QUICTransport(tls: files.mutual("client"))
        let connection = try await client.connect(to: "quic://127.0.0.1:\(port)")
        #expect(connection.peer != nil)
        for size in [0, 1, 64, 100_000, 1 << 20] {
            let message = Bytes([UInt8](repeating: 7, count: size))
            #expect(try await connection.call(Echo.unary, message) == message)
        }
        let call = try await connection.call(Echo.stream)
        for number in 0..<20 {
            let message = Bytes(utf8: "message \(number)")
            try await call.requests.send(message)
            #expect(try await call.responses.next() == message)
        }
        try await call.requests.finish()
        #expect(try await call.responses.next() == nil)
        let error = await #expect(throws: TransportError.self) { try await connection.call(Echo.wait, Bytes()) }
        #expect(error?.code == .unimplemented)
        #expect(error?.message == "no such method")
        await client.shutdown(within: .seconds(5))
        withExtendedLifetime(peer) {}
    }

    @Test func `our client refuses a server of another authority`() async throws {
        let (files, others) = (try IdentityFiles(), try IdentityFiles())
        defer {
            files.remove()
            others.remove()
        }
        let (peer, port) = try await Aioquic.serve(
            ["--tls-cert", others.certificate("server"), "--tls-key", others.key("server")])
        let client = try QUICTransport(tls: files.mutual("client"))
        let error = await #expect(throws: TransportError.self) {
            try await client.connect(to: "quic://127.0.0.1:\(port)")
        }
        #expect(error?.code == .unauthenticated)
        #expect((error?.cause as? TLSError)?.code == .untrustedIssuer, "\(String(describing: error))")
        withExtendedLifetime(peer) {}
    }
}

/// The Python peer.
enum Aioquic {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static let python =
        ProcessInfo.processInfo.environment["TRANSPORT_PYTHON"] ?? root.appending(path: ".venv/bin/python").path
    private static let script = root.appending(path: "Tests/Interop/python/grpc_http3_peer.py").path

    /// Whether the peer can run; where peers are required, a missing one fails the test.
    static var isThere: Bool {
        if FileManager.default.isExecutableFile(atPath: python) { return true }
        return ProcessInfo.processInfo.environment["TRANSPORT_REQUIRE_PEERS"] != nil
    }

    static func call(_ arguments: [String]) async throws -> PeerProcess.Outcome {
        try await PeerProcess.run(python, [script, "call"] + arguments)
    }

    static func serve(_ arguments: [String]) async throws -> (PeerProcess, port: Int) {
        try await PeerProcess.server(python, [script, "serve"] + arguments)
    }
}

/// A certificate authority and two nodes' identities as files, for programs that read files.
struct IdentityFiles {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for name in ["server", "client"] { _ = try DevelopmentCA.initialize(directory: folder.path, name: name) }
    }

    var ca: String { folder.path + "/ca.pem" }
    func certificate(_ name: String) -> String { folder.path + "/\(name).pem" }
    func key(_ name: String) -> String { folder.path + "/\(name)-key.pem" }

    func mutual(_ name: String) throws -> TLSConfiguration {
        TLSConfiguration(
            identity: try Identity(certificateFile: certificate(name), keyFile: key(name)), trust: try .roots(file: ca))
    }

    func arguments(_ name: String) -> [String] {
        ["--tls-ca", ca, "--tls-cert", certificate(name), "--tls-key", key(name)]
    }

    func remove() { folder.remove() }
}
