import ForeignPeers
import NodeTransport
import QUICTransport
import Testing
import TransportTLS

/// The routes that other people's clients find; `Tests/Interop/README.md` says what each does.
enum ForeignRoutes {
    /// New ones, that remember nothing.
    static var routes: HTTP3Routes {
        let (stopped, go) = (Gate(), Gate())
        var routes = HTTP3Routes()
        routes["/text"] = { _ in HTTP3Response(body: Bytes(utf8: "content")) }
        routes["/204"] = { _ in HTTP3Response(status: 204) }
        routes.stream("/down") { request, _ in
            HTTP3StreamedResponse(body: Pattern.body(Int(request.query("bytes") ?? "") ?? 0))
        }
        routes.stream("/up") { _, body in
            let count = try await Pattern.check(body)
            let length = body.length.map { "\($0)" } ?? "none"
            return HTTP3StreamedResponse(HTTP3Response(text: "\(count) \(length)"))
        }
        routes.stream("/copy") { _, body in
            HTTP3StreamedResponse(
                body: HTTP3Body { writer in
                    for try await piece in body { try await writer.write(piece) }
                    writer.setTrailers(body.trailers)
                })
        }
        routes.stream("/enough") { _, _ in HTTP3StreamedResponse(HTTP3Response(text: "enough")) }
        routes.stream("/endless") { _, _ in
            HTTP3StreamedResponse(body: stopped.endlessBody())
        }
        routes["/stopped"] = { _ in
            await stopped.wait()
            return HTTP3Response(body: Bytes(utf8: "stopped"))
        }
        routes.stream("/later") { _, body in
            await go.wait()
            return HTTP3StreamedResponse(HTTP3Response(text: "\(try await Pattern.check(body))"))
        }
        routes["/go"] = { _ in
            go.open()
            return HTTP3Response()
        }
        return routes
    }

    /// Serves them with the files' server identity while `body` runs.
    static func serve(_ files: IdentityFiles, _ body: (_ port: Int) async throws -> Void) async throws {
        var tls = try files.configuration("server")
        tls.clientAuthentication = .required
        let transport = try QUICTransport(tls: tls)
        let outcome = await Result {
            let listener = try await transport.listen(
                on: Endpoint(parsing: "quic://127.0.0.1:0"), serving: ServiceTable([]), routes: routes)
            try await body(try #require(listener.endpoint.port))
        }
        await transport.shutdown(within: .zero)
        try outcome.get()
    }
}
