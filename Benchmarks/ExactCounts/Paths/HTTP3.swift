#if canImport(QUICTransport)
    internal import HTTP3Engine
    internal import NodeTransport

    extension MeasuredPath {
        /// A unary call of 64 bytes at the engine, with QPACK: its field sections, a DATA frame each way, the trailers.
        static var http3: [MeasuredPath] {
            [
                MeasuredPath("http3:call:both") { passes in
                    let (client, server) = (HTTP3End(.client), HTTP3End(.server))
                    for _ in 0..<3 {
                        try client.send(to: server)
                        try server.send(to: client)
                    }
                    for number in 0..<Int64(passes) {
                        let stream = 4 * number
                        try client.call(on: stream)
                        try client.send(to: server)
                        try server.send(to: client)
                        // What the decoder has to say.
                        try client.send(to: server)
                        try client.close(stream)
                        try server.close(stream)
                    }
                    guard client.ended == passes, server.ended == passes else {
                        throw Unexpected("\(client.ended) and \(server.ended) calls ended")
                    }
                }
            ]
        }
    }

    /// One end of an HTTP/3 connection whose QUIC takes everything at once and loses nothing.
    private final class HTTP3End {
        private var engine: HTTP3Connection
        private let role: HTTP3Role
        private var events = HTTP3Events()
        private let request = GRPCFields.request.map { PreparedField(name: $0.name, value: $0.value) }
        private let ofCall = GRPCFields.ofCall.map { HeaderPair(name: $0.name, value: $0.value) }
        private let response = GRPCFields.response.map { PreparedField(name: $0.name, value: $0.value) }
        private let trailers = GRPCFields.trailers.map { PreparedField(name: $0.name, value: $0.value) }
        private let message = EchoMethod.message
        private(set) var ended = 0

        init(_ role: HTTP3Role) {
            self.role = role
            engine = HTTP3Connection(role: role)
            let first: Int64 = role == .client ? 2 : 3
            engine.bind(control: first, qpackEncoder: first + 4, qpackDecoder: first + 8)
        }

        func call(on stream: Int64) throws {
            try engine.submitRequest(stream: stream, prepared: request, extra: ofCall, isFinal: false)
            try send(on: stream, isFinal: true)
        }

        private func send(on stream: Int64, isFinal: Bool) throws {
            try engine.submitBody(
                stream: stream, prefix: UInt64(message.count) << 24, prefixCount: 5, payload: message, isFinal: isFinal)
        }

        /// Hands over everything that is to be sent.
        func send(to other: HTTP3End) throws {
            try withUnsafeTemporaryAllocation(of: OutputSegment.self, capacity: 16) { segments in
                while let write = try engine.nextWrite(into: segments) {
                    for index in 0..<write.segmentCount {
                        let bytes = UnsafeRawBufferPointer(start: segments[index].pointer, count: segments[index].count)
                        try other.receive(
                            write.stream, bytes, isFinal: write.isFinal && index == write.segmentCount - 1)
                    }
                    if write.segmentCount == 0 {
                        try other.receive(
                            write.stream, UnsafeRawBufferPointer(start: nil, count: 0), isFinal: write.isFinal)
                    }
                    engine.didWrite(stream: write.stream, byteCount: write.byteCount, into: &events)
                    engine.acknowledged(stream: write.stream, byteCount: write.byteCount)
                }
            }
        }

        private func receive(_ stream: Int64, _ bytes: UnsafeRawBufferPointer, isFinal: Bool) throws {
            let input = RawSpan(_unsafeBytes: bytes)
            _ = try engine.receive(stream: stream, input, isFinal: isFinal, into: &events)
            for event in events.list {
                guard case .end(let stream) = event else { continue }
                ended += 1
                guard role == .server else { continue }
                try engine.submitResponse(stream: stream, prepared: response, isFinal: false)
                try send(on: stream, isFinal: false)
                try engine.submitTrailers(stream: stream, prepared: trailers, extra: [])
            }
            events.removeAll()
        }

        func close(_ stream: Int64) throws {
            try engine.closed(stream: stream, into: &events)
            events.removeAll()
        }
    }
#endif
