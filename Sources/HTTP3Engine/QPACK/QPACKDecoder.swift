internal import CNGHTTP3
internal import NodeTransport

/// nghttp3's QPACK decoder and the state of the sections that are being decoded, with a cache of whole sections before it.
@safe
struct QPACKDecoder: ~Copyable {
    /// A field section of one stream.
    @safe
    struct Section: ~Copyable {
        fileprivate let context: OpaquePointer

        fileprivate init(_ context: OpaquePointer) { unsafe self.context = context }

        deinit { unsafe nghttp3_qpack_stream_context_del(context) }
    }

    enum Outcome {
        case complete
        /// So many bytes were read; the rest needs entries that have not come.
        case blocked(readBytes: Int)
    }

    /// What decoding one section may append.
    struct Limits {
        var bytes: Int
        var fields: Int
        var isExceeded = false
    }

    // Sound: owned by this value alone and freed once.
    private let decoder: OpaquePointer
    private var cache = FieldCache()
    private var sections = SectionCache()
    /// Changes with whatever changes the table.
    private var generation = 0
    /// What waits for the decoder stream before what waits within nghttp3.
    private var acknowledgements: [UInt8] = []
    let usesDynamicTable: Bool
    /// More does not wait; nghttp3 has a limit for its own.
    private static let acknowledgementBytes = 8192

    init(tableBytes: Int, blockedStreams: Int) {
        var decoder: OpaquePointer?
        let status = unsafe nghttp3_qpack_decoder_new(&decoder, tableBytes, blockedStreams, nghttp3_mem_default())
        guard status == 0, let decoder = unsafe decoder else { preconditionFailure("out of memory") }
        unsafe self.decoder = decoder
        usesDynamicTable = tableBytes > 0
        // Bounds what may wait for the decoder stream.
        unsafe nghttp3_qpack_decoder_set_max_concurrent_streams(decoder, 4096)
    }

    deinit { unsafe nghttp3_qpack_decoder_del(decoder) }

    func section(stream: Int64) throws(HTTP3Error) -> Section {
        var context: OpaquePointer?
        let status = unsafe nghttp3_qpack_stream_context_new(&context, stream, nghttp3_mem_default())
        guard status == 0, let context = unsafe context else {
            throw HTTP3Error(.internalError, "no memory for a field section")
        }
        return unsafe Section(context)
    }

    /// The section, if these bytes were one before; its acknowledgement is queued.
    mutating func known(_ bytes: RawSpan, stream: Int64) -> SectionCache.Section? {
        guard let section = sections.section(bytes, generation: generation) else { return nil }
        if section.refersToTable {
            // Without the room nghttp3 shall decode it: it says when there is too much.
            guard acknowledgements.count < Self.acknowledgementBytes else { return nil }
            acknowledge(stream)
        }
        return section
    }

    /// RFC 9204 §4.4.1. What nghttp3 has to say goes before it: it counts the insertions that its own acknowledgements imply,
    /// and the first section with these bytes is one of those.
    private mutating func acknowledge(_ stream: Int64) {
        if unsafe cnghttp3_decoder_stream_bytes(decoder) > 0 { moveWaiting() }
        var room: (UInt64, UInt64) = (0, 0)
        unsafe withUnsafeMutableBytes(of: &room) { room in
            guard let start = unsafe room.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            let count = unsafe FieldLine.write(Int(stream), prefix: 7, pattern: 0x80, to: start)
            unsafe acknowledgements.append(contentsOf: room.prefix(count))
        }
    }

    /// Remembers a section that nghttp3 has decoded as a whole.
    mutating func keep(_ bytes: RawSpan, _ fields: ArraySlice<HeaderField>) {
        sections.keep(bytes, generation: generation, fields)
    }

    /// Decodes a complete section, or what is left of it after it was blocked. Fields past the limits are dropped.
    mutating func decode(
        _ bytes: RawSpan, _ section: borrowing Section, limits: inout Limits, into fields: inout [HeaderField]
    ) throws(HTTP3Error) -> Outcome {
        // An empty span may have no address, and the C function compares addresses.
        var nothing: UInt8 = 0
        return try unsafe withUnsafePointer(to: &nothing) { (nothing) throws(HTTP3Error) -> Outcome in
            try unsafe bytes.withUnsafeBytes { (buffer) throws(HTTP3Error) -> Outcome in
                let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? nothing
                var offset = 0
                var decoded = unsafe cnghttp3_field()
                while true {
                    var count = buffer.count - offset
                    let step = unsafe cnghttp3_decode(decoder, section.context, start + offset, &count, &decoded)
                    guard step >= 0 else {
                        throw HTTP3Error(
                            .qpackDecompressionFailed, "a field section cannot be decoded: \(errorText(step))")
                    }
                    offset += count
                    if step == Int32(CNGHTTP3_END.rawValue) { return .complete }
                    if step == Int32(CNGHTTP3_BLOCKED.rawValue) { return .blocked(readBytes: offset) }
                    let field = unsafe cache.take(decoded)
                    limits.bytes -= field.sectionBytes
                    limits.fields -= 1
                    if limits.bytes < 0 || limits.fields < 0 { limits.isExceeded = true }
                    if !limits.isExceeded { fields.append(field) }
                }
            }
        }
    }

    /// Whether a blocked section can go on.
    func isReady(_ section: borrowing Section) -> Bool {
        unsafe nghttp3_qpack_stream_context_get_ricnt(section.context) <= nghttp3_qpack_decoder_get_icnt(decoder)
    }

    /// What came on the peer's encoder stream.
    mutating func receive(encoderStream bytes: RawSpan) throws(HTTP3Error) {
        generation += 1
        let status = unsafe bytes.withUnsafeBytes { buffer in
            unsafe nghttp3_qpack_decoder_read_encoder(
                decoder, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count)
        }
        guard status >= 0 else {
            throw HTTP3Error(
                .qpackEncoderStreamError, "the encoder stream cannot be read: \(errorText(Int32(clamping: status)))")
        }
    }

    /// Tells the peer that a stream's sections will not be decoded (RFC 9204 §4.4.2).
    func cancel(stream: Int64) throws(HTTP3Error) {
        guard usesDynamicTable else { return }
        guard unsafe nghttp3_qpack_decoder_cancel_stream(decoder, stream) == 0 else {
            throw HTTP3Error(.excessiveLoad, "too much waits for the decoder stream")
        }
    }

    /// How much waits for the decoder stream.
    var decoderStreamBytes: Int { unsafe acknowledgements.count + cnghttp3_decoder_stream_bytes(decoder) }

    /// Takes what waits for the decoder stream.
    mutating func takeDecoderStream() -> Bytes {
        moveWaiting()
        return Bytes(exchange(&acknowledgements, with: []))
    }

    /// Moves what nghttp3 has to say behind what waits already.
    private mutating func moveWaiting() {
        let count = unsafe cnghttp3_decoder_stream_bytes(decoder)
        guard count > 0 else { return }
        acknowledgements += unsafe [UInt8](unsafeUninitializedCapacity: count) { room, written in
            var buffer = unsafe nghttp3_buf()
            unsafe buffer.begin = room.baseAddress
            unsafe buffer.pos = room.baseAddress
            unsafe buffer.last = room.baseAddress
            unsafe buffer.end = room.baseAddress.map { unsafe $0 + count }
            unsafe nghttp3_qpack_decoder_write_decoder(decoder, &buffer)
            written = unsafe nghttp3_buf_len(&buffer)
        }
    }
}

/// nghttp3's name for one of its errors.
func errorText(_ status: Int32) -> String { unsafe String(cString: nghttp3_strerror(status)) }
