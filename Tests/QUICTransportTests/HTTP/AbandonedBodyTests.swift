import NodeTransport
import QUICTransport
import Synchronization
import Testing

/// Bodies that do not come to their end.
@Suite(.timeLimit(.minutes(1))) struct AbandonedBodyTests {
    private func expect(_ code: StatusCode, _ body: () async throws -> Void) async {
        let error = await failure(body)
        #expect(error?.code == code, "\(String(describing: error))")
    }

    @Test func `letting go of a response stops the server's handler`() async throws {
        let stopped = Gate()
        var routes = HTTP3Routes()
        routes.stream("/endless") { _, _ in HTTP3StreamedResponse(body: stopped.endlessBody()) }
        try await HTTPRig.run(routes) { client, connection in
            do {
                let response = try await client.request(HTTP3Request(path: "/endless"))
                for try await piece in response.body {
                    #expect(!piece.isEmpty)
                    break
                }
            }
            await stopped.wait()
            #expect(try await connection.call(RigMethods.unary, Bytes(utf8: "x")) == Bytes(utf8: "x"))
        }
    }

    @Test func `letting go of a response stops the request's body too`() async throws {
        let (up, down) = (Gate(), Gate())
        var routes = HTTP3Routes()
        routes.stream("/both") { _, body in
            HTTP3StreamedResponse(
                body: HTTP3Body { writer in
                    defer { down.open() }
                    for try await piece in body { try await writer.write(piece) }
                })
        }
        try await HTTPRig.run(routes) { client, _ in
            let response = try await client.request(
                HTTP3Request(method: "POST", path: "/both"), body: up.endlessBody())
            #expect(try await response.body.next() != nil)
            response.body.cancel()
            await up.wait()
            await down.wait()
            await expect(.cancelled) { while try await response.body.next() != nil {} }
        }
    }

    @Test func `cancelling the task that uploads cancels the handler`() async throws {
        let (stopped, began, handler) = (Gate(), Gate(), Gate())
        var routes = HTTP3Routes()
        routes.stream("/up") { _, body in
            defer { handler.open() }
            began.open()
            for try await _ in body {}
            return HTTP3StreamedResponse()
        }
        try await HTTPRig.run(routes) { client, _ in
            let task = Task {
                _ = try await client.request(HTTP3Request(method: "POST", path: "/up"), body: stopped.endlessBody())
            }
            await began.wait()
            task.cancel()
            await expect(.cancelled) { try await task.value }
            await stopped.wait()
            await handler.wait()
        }
    }

    @Test func `a handler may answer and want no more of the request`() async throws {
        let stopped = Gate()
        var routes = HTTP3Routes()
        routes.stream("/enough") { _, body in
            let first = try await body.next()
            return HTTP3StreamedResponse(HTTP3Response(text: "enough, after \(first == nil ? "nothing" : "some")"))
        }
        try await HTTPRig.run(routes) { client, _ in
            let response = try await client.request(
                HTTP3Request(method: "POST", path: "/enough"), body: stopped.endlessBody())
            #expect(try await response.body.collect(upTo: 100) == Bytes(utf8: "enough, after some"))
            await stopped.wait()
        }
    }

    @Test func `a request's body that fails is told to the caller, and ends the request`() async throws {
        let (began, handler) = (Gate(), Gate())
        var routes = HTTP3Routes()
        routes.stream("/up") { _, body in
            defer { handler.open() }
            began.open()
            for try await _ in body {}
            return HTTP3StreamedResponse()
        }
        try await HTTPRig.run(routes) { client, _ in
            let body = HTTP3Body { writer in
                try await writer.write(Pattern.piece)
                await began.wait()
                throw Broken()
            }
            let error = await failure {
                _ = try await client.request(HTTP3Request(method: "POST", path: "/up"), body: body)
            }
            #expect(error?.code == .cancelled && error?.cause is Broken, "\(String(describing: error))")
            await handler.wait()
        }
    }

    @Test func `a response's body that fails resets the stream`() async throws {
        var routes = HTTP3Routes()
        routes.stream("/broken") { _, _ in
            HTTP3StreamedResponse(
                body: HTTP3Body { writer in
                    try await writer.write(Pattern.piece)
                    throw Broken()
                })
        }
        try await HTTPRig.run(routes) { client, connection in
            // A reset may overtake the head.
            let error = await failure {
                let response = try await client.request(HTTP3Request(path: "/broken"))
                while try await response.body.next() != nil {}
            }
            #expect(
                error?.code == .internal && error?.message.contains("H3_INTERNAL_ERROR") == true,
                "\(String(describing: error))")
            let echo = try await connection.call(RigMethods.unary, Bytes(utf8: "x"))
            #expect(echo == Bytes(utf8: "x"))
        }
    }

    private struct Broken: Error {}

    @Test func `a deadline ends a response that does not end`() async throws {
        var routes = HTTP3Routes()
        routes.stream("/silent") { _, _ in
            HTTP3StreamedResponse(
                body: HTTP3Body { writer in
                    try await writer.write(Bytes(utf8: "first"))
                    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
                    for await _ in stream {}
                    withExtendedLifetime(continuation) {}
                })
        }
        routes["/never"] = { _ in
            let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
            for await _ in stream {}
            withExtendedLifetime(continuation) {}
            return HTTP3Response()
        }
        try await HTTPRig.run(routes) { client, _ in
            await expect(.deadlineExceeded) {
                let response = try await client.request(HTTP3Request(path: "/silent"), deadline: .after(.seconds(1)))
                while try await response.body.next() != nil {}
            }
            await expect(.deadlineExceeded) { _ = try await client.get("/never", deadline: .after(.milliseconds(50))) }
            await expect(.deadlineExceeded) { _ = try await client.get("/never", deadline: .after(.zero)) }
        }
    }

    @Test func `a client that does not go on is answered with 408`() async throws {
        let stopped = Gate()
        var routes = HTTP3Routes()
        routes["/whole"] = { _ in HTTP3Response() }
        try await HTTPRig.run(routes, server: { $0.stalledBodyTimeout = .milliseconds(100) }) { client, _ in
            let response = try await client.request(
                HTTP3Request(method: "POST", path: "/whole"), body: Self.halfBody(Gate.Opener(gate: stopped)))
            #expect(response.status == 408)
            await stopped.wait()
        }
    }

    private static func halfBody(_ opener: Gate.Opener) -> HTTP3Body {
        HTTP3Body { writer in
            try await writer.write(Pattern.piece)
            let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
            for await _ in stream {}
            withExtendedLifetime((continuation, opener)) {}
        }
    }

    @Test func `a client that does not read is cut off`() async throws {
        let stopped = Gate()
        var routes = HTTP3Routes()
        routes.stream("/endless") { _, _ in HTTP3StreamedResponse(body: stopped.endlessBody()) }
        try await HTTPRig.run(routes, server: { $0.stalledBodyTimeout = .milliseconds(100) }) { client, _ in
            let response = try await client.request(HTTP3Request(path: "/endless"))
            await stopped.wait()
            await expect(.cancelled) { while try await response.body.next() != nil {} }
        }
    }

    @Test func `a connection that ends fails its bodies`() async throws {
        let (stopped, up) = (Gate(), Gate())
        var routes = HTTP3Routes()
        routes.stream("/endless") { _, _ in HTTP3StreamedResponse(body: stopped.endlessBody()) }
        try await HTTPRig.run(routes) { client, connection in
            let response = try await client.request(
                HTTP3Request(method: "POST", path: "/endless"), body: up.endlessBody())
            await connection.close(within: .zero)
            await expect(.unavailable) { while try await response.body.next() != nil {} }
            await stopped.wait()
            await up.wait()
        }
    }

    @Test func `a second reader fails, and a limit holds`() async throws {
        let gate = Gate()
        var routes = HTTP3Routes()
        routes.stream("/later") { _, _ in
            HTTP3StreamedResponse(
                body: HTTP3Body { writer in
                    await gate.wait()
                    try await writer.write(Pattern.piece)
                })
        }
        try await HTTPRig.run(routes) { client, _ in
            let body = try await client.request(HTTP3Request(path: "/later")).body
            // Whichever of the two comes later fails, and the other then gets what comes.
            let failures = await withTaskGroup(of: StatusCode?.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        do {
                            #expect(try await body.next() != nil)
                            return nil
                        } catch {
                            return (error as? TransportError)?.code
                        }
                    }
                }
                var codes = [await group.next() ?? nil]
                gate.open()
                for await code in group { codes.append(code) }
                return codes
            }
            #expect(failures == [.failedPrecondition, nil])
            let other = try await client.request(HTTP3Request(path: "/later"))
            await expect(.resourceExhausted) { _ = try await other.body.collect(upTo: 1000) }
        }
    }
}
