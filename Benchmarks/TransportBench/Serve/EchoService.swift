internal import NodeTransport

/// The methods: messages are bytes, numbers in them big-endian. Tests/Interop/README.md describes them.
enum Echo {
    static let unary = Method<Unary, Bytes, Bytes>(
        "echo.Echo", "Unary", request: .bytes, response: .bytes, isIdempotent: true)
    static let serverStream = Method<ServerStream, Bytes, Bytes>(
        "echo.Echo", "ServerStream", request: .bytes, response: .bytes)
    static let clientStream = Method<ClientStream, Bytes, Bytes>(
        "echo.Echo", "ClientStream", request: .bytes, response: .bytes)
    static let bidi = Method<Bidirectional, Bytes, Bytes>(
        "echo.Echo", "Bidi", request: .bytes, response: .bytes)
}

struct EchoService: Service {
    var handlers: [MethodHandler] {
        [
            Echo.unary.handle { request, _ in request },
            Echo.serverStream.handle { request, responses, _ in
                let (count, payload) = request.splitNumber(byteCount: 4)
                for _ in 0..<count { try await responses.send(payload) }
            },
            Echo.clientStream.handle { requests, _ in
                var (byteCount, count) = (0, 0)
                while let request = try await requests.next() {
                    byteCount += request.count
                    count += 1
                }
                var answer = BytesBuilder(capacity: 16)
                answer.append(bigEndian: UInt64(byteCount))
                answer.append(bigEndian: UInt64(count))
                return answer.finish()
            },
            Echo.bidi.handle { requests, responses, _ in
                while let request = try await requests.next() { try await responses.send(request) }
            },
        ]
    }

    var datagramHandler: DatagramHandler? { { datagram, _ in datagram } }
}

extension Bytes {
    /// A big-endian number of up to 7 bytes at the front, and what follows it.
    func splitNumber(byteCount: Int) -> (number: Int, rest: Bytes) {
        withUnsafeBytes { bytes in
            let front = bytes.prefix(byteCount)
            let number = front.reduce(0) { ($0 & 0xff_ffff_ffff_ffff) << 8 | Int($1) }
            return (number, Bytes(copying: UnsafeRawBufferPointer(rebasing: bytes[front.count...])))
        }
    }
}
