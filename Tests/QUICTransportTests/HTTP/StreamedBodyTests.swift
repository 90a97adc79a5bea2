import NodeTransport
import QUICTransport
import Synchronization
import Testing

/// Bodies in pieces, and who waits for whom. One long transfer at a time: the loops are everybody's.
@Suite(.serialized, .timeLimit(.minutes(2))) struct StreamedBodyTests {
    private static let byteCount = 64 << 20
    /// What the stream's window, the sender's queue and the piece in the reader's hand may hold together.
    private static let mostAhead = 2 * (1 << 20) + (1 << 20)

    private static let mediumWindows: HTTPRig.Configure = { configuration in
        configuration.streamWindowBytes = 256 << 10
        configuration.maximumStreamWindowBytes = 1 << 20
    }

    @Test func `64 MiB go up in pieces and the sender is never far ahead`() async throws {
        let lead = Lead()
        var routes = HTTP3Routes()
        routes.stream("/up") { request, body in
            let count = try await Pattern.check(body, lead)
            return HTTP3StreamedResponse(HTTP3Response(text: "\(request.method) \(count) \(body.length ?? -1)"))
        }
        try await HTTPRig.run(routes, server: Self.mediumWindows) { client, _ in
            let body = Pattern.body(Self.byteCount, lead)
            let response = try await client.request(HTTP3Request(method: "PUT", path: "/up"), body: body)
            let text = String(decoding: try await response.body.collect(upTo: 100), as: UTF8.self)
            #expect(text == "PUT \(Self.byteCount) \(Self.byteCount)")
            #expect(lead.mostBytes < Self.mostAhead, "\(lead.mostBytes)")
        }
    }

    @Test func `64 MiB come down in pieces and the sender is never far ahead`() async throws {
        let lead = Lead()
        var routes = HTTP3Routes()
        routes.stream("/down") { _, _ in
            HTTP3StreamedResponse(body: Pattern.body(Self.byteCount, declared: false, lead))
        }
        try await HTTPRig.run(routes, client: Self.mediumWindows) { client, _ in
            let response = try await client.request(HTTP3Request(path: "/down"))
            #expect(response.body.length == nil)
            #expect(try await Pattern.check(response.body, lead) == Self.byteCount)
            #expect(lead.mostBytes < Self.mostAhead, "\(lead.mostBytes)")
        }
    }

    @Test func `what is read is written back while it comes`() async throws {
        let lead = Lead()
        var routes = HTTP3Routes()
        routes.stream("/copy") { _, body in HTTP3StreamedResponse(status: 201, body: HTTP3Body(body)) }
        try await HTTPRig.run(routes) { client, _ in
            let body = Pattern.body(8 << 20, lead)
            let response = try await client.request(HTTP3Request(method: "POST", path: "/copy"), body: body)
            #expect(response.status == 201)
            #expect(lead.written < 8 << 20, "the response begins before the request has ended")
            #expect(try await Pattern.check(response.body) == 8 << 20)
        }
    }

    /// With windows so small that a sender that does not wait would be found out at once.
    private static let smallWindows: HTTPRig.Configure = { configuration in
        configuration.streamWindowBytes = 128 << 10
        configuration.maximumStreamWindowBytes = 128 << 10
    }

    @Test func `a client that does not read holds the server back, and others are served`() async throws {
        let lead = Lead()
        var routes = HTTP3Routes()
        routes.stream("/down") { _, _ in HTTP3StreamedResponse(body: Pattern.body(4 << 20, lead)) }
        try await HTTPRig.run(routes, client: Self.smallWindows) { client, connection in
            let response = try await client.request(HTTP3Request(path: "/down"))
            for _ in 0..<200 { _ = try await connection.call(RigMethods.unary, Bytes(utf8: "x")) }
            // The window, what waits behind it, and two pieces.
            #expect(lead.written <= (128 + 64 + 2 * 64) << 10, "\(lead.written)")
            #expect(try await Pattern.check(response.body, lead) == 4 << 20)
            #expect(lead.mostBytes <= (2 * 128 + 64 + 2 * 64) << 10, "\(lead.mostBytes)")
        }
    }

    @Test func `a handler that does not read holds the client back, and others are served`() async throws {
        let (lead, gate) = (Lead(), Gate())
        var routes = HTTP3Routes()
        routes.stream("/up") { _, body in
            await gate.wait()
            return HTTP3StreamedResponse(HTTP3Response(text: "\(try await Pattern.check(body, lead))"))
        }
        try await HTTPRig.run(routes, server: Self.smallWindows) { client, connection in
            async let response = client.request(
                HTTP3Request(method: "POST", path: "/up"), body: Pattern.body(4 << 20, lead))
            for _ in 0..<200 { _ = try await connection.call(RigMethods.unary, Bytes(utf8: "x")) }
            #expect(lead.written <= (128 + 64 + 2 * 64) << 10, "\(lead.written)")
            gate.open()
            #expect(try await response.body.collect(upTo: 100) == Bytes(utf8: "\(4 << 20)"))
        }
    }

    @Test func `single bytes are put together`() async throws {
        let gate = Gate()
        var routes = HTTP3Routes()
        routes.stream("/drip") { _, _ in
            HTTP3StreamedResponse(
                body: HTTP3Body { writer in
                    for number in 0..<20_000 { try await writer.write(Bytes([UInt8(number % 251)])) }
                    gate.open()
                })
        }
        try await HTTPRig.run(routes) { client, connection in
            let response = try await client.request(HTTP3Request(path: "/drip"))
            await gate.wait()
            _ = try await connection.call(RigMethods.unary, Bytes())
            var (pieces, count) = (0, 0)
            for try await piece in response.body {
                pieces += 1
                count += piece.count
            }
            #expect(count == 20_000)
            #expect(pieces < 10_000, "\(pieces)")
        }
    }

    @Test func `trailers come behind the content, both ways`() async throws {
        var routes = HTTP3Routes()
        routes.stream("/sum") { _, body in
            let count = try await Pattern.check(body)
            let asked = body.trailers.first { $0.name == "x-asked" }?.value ?? "nothing"
            return HTTP3StreamedResponse(
                body: HTTP3Body { writer in
                    try await writer.write(Bytes(utf8: "\(count)"))
                    writer.setTrailers([("X-Answered", asked)])
                })
        }
        try await HTTPRig.run(routes) { client, _ in
            let body = HTTP3Body { writer in
                try await writer.write(Pattern.piece)
                writer.setTrailers([("x-asked", "why")])
            }
            let response = try await client.request(HTTP3Request(method: "POST", path: "/sum"), body: body)
            #expect(try await response.body.collect(upTo: 100) == Bytes(utf8: "\(Pattern.pieceBytes)"))
            #expect(response.body.trailers.count == 1)
            #expect(response.body.trailers.first?.name == "x-answered")
            #expect(response.body.trailers.first?.value == "why")
        }
    }

    @Test func `a sequence is a body`() async throws {
        var routes = HTTP3Routes()
        routes["/echo"] = { request in HTTP3Response(body: request.body) }
        try await HTTPRig.run(routes) { client, _ in
            let (pieces, continuation) = AsyncStream.makeStream(of: Bytes.self)
            for word in ["one", "", "two"] { continuation.yield(Bytes(utf8: word)) }
            continuation.finish()
            let response = try await client.request(
                HTTP3Request(method: "POST", path: "/echo"), body: HTTP3Body(pieces, length: 6))
            #expect(try await response.body.collect(upTo: 6) == Bytes(utf8: "onetwo"))
            // A whole body that is longer than any queue.
            let large = Bytes([UInt8](repeating: 7, count: 3 << 20))
            #expect(try await client.post("/echo", body: large).body == large)
        }
    }
}
