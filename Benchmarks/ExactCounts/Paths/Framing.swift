internal import GRPCSemantics
internal import NodeTransport

extension MeasuredPath {
    /// gRPC's messages out of the bytes of a stream. (Into them: the engines write the prefix with the DATA frame.)
    static var framing: [MeasuredPath] {
        [
            MeasuredPath("framing:64B", passes: 20_000) { passes in try assemble(64, pieces: 1, passes) },
            MeasuredPath("framing:16KiB:in-12", passes: 2_000) { passes in try assemble(16_384, pieces: 12, passes) },
        ]
    }

    private static func assemble(_ size: Int, pieces: Int, _ passes: Int) throws {
        let prefix = (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) }
        let stream = [0] + prefix + [UInt8](repeating: 0x5a, count: size)
        let step = (stream.count + pieces - 1) / pieces
        var assembler = MessageAssembler(limit: 4 << 20)
        var byteCount = 0
        for _ in 0..<passes {
            for start in Swift.stride(from: 0, to: stream.count, by: step) {
                try stream.withUnsafeBytes { bytes in
                    var rest = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + step, stream.count)])
                    while !rest.isEmpty {
                        if let message = try assembler.next(&rest) { byteCount += message.count }
                    }
                }
            }
        }
        guard byteCount == passes * size else { throw Unexpected("\(byteCount) bytes") }
    }
}
