import ForeignPeers
import Foundation
import NodeTransport
import QUICTransport
import Testing

/// Our client, and the bodies of other people's servers.
///
/// One long transfer at a time: the loops are everybody's.
@Suite(.serialized, .timeLimit(.minutes(4))) struct BodyServerTests {
    private static let byteCount = 16 << 20

    private func withAioquic(
        _ configure: @escaping (inout QUICTransport.Configuration) -> Void = { _ in },
        _ body: (HTTP3Client) async throws -> Void
    ) async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let (peer, port) = try await PeerProcess.server(
            Peers.python,
            [
                Peers.script("h3_bodies.py"), "serve", "--tls-cert", files.certificate("server"), "--tls-key",
                files.key("server"),
            ])
        defer { withExtendedLifetime(peer) {} }
        try await connect(files, port, configure, body)
    }

    private func connect(
        _ files: IdentityFiles, _ port: Int, _ configure: (inout QUICTransport.Configuration) -> Void = { _ in },
        _ body: (HTTP3Client) async throws -> Void
    ) async throws {
        var configuration = QUICTransport.Configuration()
        configure(&configuration)
        let transport = try QUICTransport(tls: files.configuration("client"), configuration: configuration)
        let outcome = await Result {
            let connection = try await ForeignRig.connect(transport, port: port)
            try await body(try #require(HTTP3Client(connection)))
        }
        await transport.shutdown(within: .zero)
        try outcome.get()
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func `aioquic gives and takes long bodies, with trailers`() async throws {
        try await withAioquic { client in
            let down = try await client.request(HTTP3Request(path: "/down?bytes=\(Self.byteCount)"))
            let received = try await Pattern.check(down.body)
            #expect(received == Self.byteCount)
            let body = HTTP3Body { writer in
                var left = Self.byteCount
                while left > 0 {
                    try await writer.write(Pattern.piece.slice(0..<min(left, Pattern.pieceBytes)))
                    left -= min(left, Pattern.pieceBytes)
                }
                writer.setTrailers([("x-asked", "why")])
            }
            let up = try await client.request(HTTP3Request(method: "PUT", path: "/up"), body: body)
            let text = try await up.body.collect(upTo: 100)
            #expect(text == Bytes(utf8: "\(Self.byteCount) none"))
            #expect(up.body.trailers.first?.value == "why")
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func `aioquic has to wait when we do not read, and is told when we stop`() async throws {
        func configure(_ configuration: inout QUICTransport.Configuration) {
            configuration.streamWindowBytes = 256 << 10
        }
        try await withAioquic(configure) { client in
            let unread = try await client.request(HTTP3Request(path: "/down?bytes=\(4 << 20)"))
            for _ in 0..<20 {
                let sent = try await client.get("/sent")
                #expect(try #require(Int(sent.text)) <= 256 << 10)
            }
            #expect(try await Pattern.check(unread.body) == 4 << 20)
            do {
                let held = try await client.request(HTTP3Request(path: "/hold"))
                #expect(try await held.body.next() == Bytes(utf8: "first"))
            }
            // STOP_SENDING alone: the request was complete.
            #expect(try await client.get("/code").text.hasPrefix("\(0x10c) "))
            let silent = HTTP3Body { writer in
                while true { try await writer.write(Pattern.piece) }
            }
            let both = try await client.request(HTTP3Request(method: "POST", path: "/hold"), body: silent)
            both.body.cancel()
            #expect(try await client.get("/code?both=1").text == "\(0x10c) \(0x10c)")
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func `aioquic answers early, breaks off and breaks rules`() async throws {
        try await withAioquic { client in
            let stopped = Gate()
            let early = try await client.request(
                HTTP3Request(method: "POST", path: "/enough"), body: stopped.endlessBody())
            #expect(try await early.body.collect(upTo: 100) == Bytes(utf8: "enough"))
            await stopped.wait()

            let broken = await failure { _ = try await client.get("/broken") }
            #expect(broken?.message.contains("H3_INTERNAL_ERROR") == true, "\(String(describing: broken))")

            for length in [3, 30] {
                let wrong = await failure { _ = try await client.get("/length?is=\(length)") }
                #expect(wrong?.message.contains("H3_MESSAGE_ERROR") == true, "\(String(describing: wrong))")
            }
            let head = try await client.send(HTTP3Request(method: "HEAD", path: "/head"))
            #expect(head.body.isEmpty && head.header("content-length") == "1000")
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.gtlsserver)))
    func `ngtcp2's server gives a long file, which we may stop reading`() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let content = Pattern.data(Self.byteCount)
        try content.write(to: URL(fileURLWithPath: "\(files.path)/content"))
        let port = try freePort()
        // It says where it is on standard error.
        let (peer, _) = try await PeerProcess.start(
            "/bin/sh",
            [
                "-c", "exec \"$0\" \"$@\" 2>&1", Peers.gtlsserver, "--quiet", "--htdocs", files.path, "127.0.0.1",
                "\(port)", files.key("server"), files.certificate("server"),
            ], announcing: "Using document root")
        defer { withExtendedLifetime(peer) {} }
        try await connect(files, port) { client in
            for _ in 0..<3 {
                let some = try await client.request(HTTP3Request(path: "/content"))
                let first = try await some.body.next()
                #expect(first != nil)
            }
            let whole = try await client.request(HTTP3Request(path: "/content"))
            #expect(whole.body.length == Self.byteCount)
            #expect(try await Pattern.check(whole.body) == Self.byteCount)
            let head = try await client.send(HTTP3Request(method: "HEAD", path: "/content"))
            #expect(head.status == 200 && head.body.isEmpty)
        }
    }
}
