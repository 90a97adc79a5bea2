internal import HTTP2Engine
internal import NodeTransport

extension MeasuredPath {
    /// A unary call of 64 bytes at the engine: HEADERS and DATA there; HEADERS, DATA and HEADERS back.
    static var http2: [MeasuredPath] {
        [
            MeasuredPath("http2:call:both") { passes in
                let (client, server) = (HTTP2End(.client), HTTP2End(.server))
                try settle(client, server)
                for _ in 0..<passes { try exchange(client, server) }
                try check(client, server)
            },
            MeasuredPath("http2:call:client") { passes in
                let (client, server) = (HTTP2End(.client), HTTP2End(.server))
                try settle(client, server)
                var (_, answer) = try recorded(client, server)
                for _ in 0..<passes {
                    try client.call()
                    client.send { _ in }
                    answer.move(by: 2)
                    client.receive(answer.bytes)
                }
                try check(client)
                guard client.ended >= passes else { throw Unexpected("\(client.ended) calls ended") }
            },
            MeasuredPath("http2:call:server") { passes in
                let (client, server) = (HTTP2End(.client), HTTP2End(.server))
                try settle(client, server)
                var (request, _) = try recorded(client, server)
                for _ in 0..<passes {
                    request.move(by: 2)
                    server.receive(request.bytes)
                    server.send { _ in }
                }
                try check(server)
                guard server.ended >= passes else { throw Unexpected("\(server.ended) calls ended") }
            },
        ]
    }

    /// Both ends know each other, and the fields of a call are in their tables.
    private static func settle(_ client: HTTP2End, _ server: HTTP2End) throws {
        for _ in 0..<3 {
            client.send(server.receive)
            server.send(client.receive)
        }
        for _ in 0..<2 { try exchange(client, server) }
        try check(client, server)
    }

    private static func exchange(_ client: HTTP2End, _ server: HTTP2End) throws {
        try client.call()
        client.send(server.receive)
        server.send(client.receive)
    }

    /// One more call, and what was sent for it.
    private static func recorded(
        _ client: HTTP2End, _ server: HTTP2End
    ) throws -> (request: StreamTemplate, answer: StreamTemplate) {
        try client.call()
        let request = client.output()
        server.receive(request)
        let answer = server.output()
        client.receive(answer)
        return (try StreamTemplate(request), try StreamTemplate(answer))
    }

    private static func check(_ ends: HTTP2End...) throws {
        for end in ends {
            if let failure = end.failure { throw Unexpected(failure) }
            guard end.ended > 0 else { throw Unexpected("no call ended") }
        }
    }
}
