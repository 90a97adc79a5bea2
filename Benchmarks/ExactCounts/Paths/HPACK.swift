internal import HTTP2Engine

extension MeasuredPath {
    /// The header section of a gRPC request: what a connection's requests have in common is in the dynamic table, a
    /// time-out and an identifier are literals.
    static var hpack: [MeasuredPath] {
        [
            MeasuredPath("hpack:encode:request") { passes in
                var encoder = HPACKEncoder(ownLimit: 4096)
                var output = OutputQueue()
                let (prepared, extra) = request
                for _ in 0...passes {
                    encoder.encode(prepared, extra, into: &output)
                    drain(&output)
                }
            },
            MeasuredPath("hpack:decode:request") { passes in
                var encoder = HPACKEncoder(ownLimit: 4096)
                var decoder = HPACKDecoder(tableLimit: 4096)
                let (prepared, extra) = request
                var fields: [HeaderField] = []
                var block: [UInt8] = []
                for _ in 0..<2 {
                    var output = OutputQueue()
                    encoder.encode(prepared, extra, into: &output)
                    block = drained(&output)
                    fields = []
                    _ = try decoder.decode(block.span.bytes, maxListBytes: 16 << 10, into: &fields)
                }
                for _ in 0..<passes {
                    fields.removeAll(keepingCapacity: true)
                    _ = try decoder.decode(block.span.bytes, maxListBytes: 16 << 10, into: &fields)
                }
                guard fields.count == prepared.count + extra.count else { throw Unexpected("\(fields.count) fields") }
            },
        ]
    }

    private static var request: ([PreparedField], [HeaderPair]) {
        (
            GRPCFields.request.map { PreparedField(name: $0.name, value: $0.value) },
            GRPCFields.ofCall.map { HeaderPair(name: $0.name, value: $0.value) }
        )
    }

    private static func drain(_ output: inout OutputQueue) {
        output.withSegments { segments in segments.reduce(0) { $0 + $1.count } }
    }

    private static func drained(_ output: inout OutputQueue) -> [UInt8] {
        var bytes: [UInt8] = []
        output.withSegments { segments in
            for segment in segments {
                bytes.append(contentsOf: UnsafeRawBufferPointer(start: segment.pointer, count: segment.count))
            }
            return bytes.count
        }
        return bytes
    }
}
