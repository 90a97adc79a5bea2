internal import NodeTransport

#if canImport(QUICTransport)
    internal import QUICTransport

    extension Work {
        struct WrongStatus: Error { let status: Int }

        /// GET /SIZE over HTTP/3, and as much content in the answer; from any server that knows such paths.
        nonisolated(nonsending) func get(_ connection: any Connection) async throws {
            guard let client = HTTP3Client(connection) else { return }
            let path = "/\(message.count)"
            while let intended = await measurement.next() {
                let response = try await client.get(path)
                guard response.status == 200 else { throw WrongStatus(status: response.status) }
                try check(response.body.count, message.count)
                measurement.record(intended, payloadBytes: message.count)
            }
        }
    }

    /// What answers them: content of every size that is a power of two.
    enum Contents {
        static let routes: HTTP3Routes = {
            var routes = HTTP3Routes()
            for size in (0...22).map({ 1 << $0 }) {
                let content = Bytes([UInt8](repeating: 0x5a, count: size))
                routes["/\(size)"] = { _ in HTTP3Response(body: content) }
            }
            return routes
        }()
    }
#else
    extension Work {
        nonisolated(nonsending) func get(_ connection: any Connection) async throws {}
    }
#endif
