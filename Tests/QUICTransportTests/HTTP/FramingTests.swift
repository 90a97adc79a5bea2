import NodeTransport
import QUICTransport
import Testing

/// What a message may say of its content (RFC 9110 §6.4, §8.6; RFC 9114 §4.1).
@Suite(.timeLimit(.minutes(1))) struct FramingTests {
    private var routes: HTTP3Routes {
        var routes = HTTP3Routes()
        routes["/text"] = { request in
            HTTP3Response(headers: [("x-method", request.method)], body: Bytes(utf8: "content"))
        }
        routes.stream("/stream") { _, _ in
            HTTP3StreamedResponse(body: HTTP3Body(length: 7) { try await $0.write(Bytes(utf8: "content")) })
        }
        for status in [204, 304] {
            routes["/\(status)"] = { _ in HTTP3Response(status: status, body: Bytes(utf8: "never")) }
        }
        routes["/length"] = { request in
            HTTP3Response(text: request.headers.first { $0.name == "content-length" }?.value ?? "none")
        }
        routes["/lies"] = { _ in HTTP3Response(headers: [("content-length", "3")], body: Bytes(utf8: "content")) }
        routes["/splits"] = { _ in HTTP3Response(headers: [("x", "a\r\nb: c")]) }
        routes["/100"] = { _ in HTTP3Response(status: 100) }
        for (name, length) in [("more", 3), ("less", 30)] {
            routes.stream("/\(name)") { _, _ in
                HTTP3StreamedResponse(body: HTTP3Body(length: length) { try await $0.write(Bytes(utf8: "content")) })
            }
        }
        return routes
    }

    @Test func `the answer to HEAD has the fields of the one to GET and no content`() async throws {
        try await HTTPRig.run(routes) { client, _ in
            for path in ["/text", "/stream"] {
                let get = try await client.get(path)
                let head = try await client.send(HTTP3Request(method: "HEAD", path: path))
                #expect(get.text == "content" && get.header("content-length") == "7")
                #expect(head.body.isEmpty && head.header("content-length") == "7")
            }
        }
    }

    @Test(arguments: [204, 304]) func `a response that cannot have content has none`(status: Int) async throws {
        try await HTTPRig.run(routes) { client, _ in
            let answer = try await client.get("/\(status)")
            #expect(answer.status == status && answer.body.isEmpty)
            #expect(answer.header("content-length") == nil)
        }
    }

    @Test func `a request says how long its content is`() async throws {
        try await HTTPRig.run(routes) { client, _ in
            #expect(try await client.get("/length").text == "none")
            #expect(try await client.post("/length", body: Bytes()).text == "0")
            #expect(try await client.post("/length", body: Bytes(utf8: "four")).text == "4")
            let response = try await client.request(
                HTTP3Request(method: "POST", path: "/length"), body: HTTP3Body { try await $0.write(Bytes(utf8: "x")) })
            #expect(try await response.body.collect(upTo: 10) == Bytes(utf8: "none"))
        }
    }

    @Test func `what a handler answers against the rules is not sent`() async throws {
        try await HTTPRig.run(routes) { client, connection in
            for path in ["/lies", "/splits", "/100"] {
                let answer = try await client.get(path)
                #expect(answer.status == 500, "\(path)")
            }
            for path in ["/more", "/less"] {
                let error = await failure { _ = try await client.get(path) }
                #expect(error?.message.contains("H3_INTERNAL_ERROR") == true, "\(String(describing: error))")
            }
            #expect(try await connection.call(RigMethods.unary, Bytes(utf8: "x")) == Bytes(utf8: "x"))
        }
    }

    @Test func `what a client asks against the rules is not sent`() async throws {
        try await HTTPRig.run(routes) { client, _ in
            let bytes = Bytes(utf8: "content")
            let requests = [
                HTTP3Request(method: "CONNECT", path: "/text"), HTTP3Request(method: "G T", path: "/text"),
                HTTP3Request(path: "text"), HTTP3Request(path: "/a\r\nb"),
                HTTP3Request(path: "/text", headers: [("connection", "close")]),
                HTTP3Request(path: "/text", headers: [(":path", "/other")]),
                HTTP3Request(path: "/text", headers: [("x", "a\nb")]),
                HTTP3Request(method: "POST", path: "/text", headers: [("content-length", "8")], body: bytes),
                HTTP3Request(method: "POST", path: "/text", headers: [("content-length", "-1")], body: bytes),
            ]
            for request in requests {
                let error = await failure { _ = try await client.send(request) }
                #expect(error?.code == .invalidArgument, "\(String(describing: error))")
            }
            for length in [3, 30] {
                let body = HTTP3Body(length: length) { try await $0.write(bytes) }
                let error = await failure {
                    _ = try await client.request(HTTP3Request(method: "POST", path: "/length"), body: body)
                }
                #expect(error?.code == .invalidArgument, "\(String(describing: error))")
            }
            let answer = try await client.get("/text")
            #expect(answer.text == "content")
        }
    }
}
