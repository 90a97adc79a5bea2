internal import CNGHTTP3
internal import NodeTransport

/// nghttp3's QPACK encoder and the buffers it writes to.
@safe
struct QPACKEncoder: ~Copyable {
    /// An encoded section, until the next one is encoded.
    @safe
    struct Encoded: ~Copyable {
        fileprivate var prefixStorage: (UInt64, UInt64) = (0, 0)
        fileprivate(set) var prefixBytes = 0
        fileprivate(set) var bodyBytes = 0
        fileprivate var body: UnsafePointer<UInt8>?

        var count: Int { prefixBytes + bodyBytes }

        /// Copies the section to `target`, which has room for ``count`` bytes.
        func copy(to target: UnsafeMutableRawPointer) {
            unsafe withUnsafeBytes(of: prefixStorage) { prefix in
                guard let start = prefix.baseAddress else { return }
                unsafe target.copyMemory(from: start, byteCount: prefixBytes)
            }
            if let body = unsafe body { unsafe (target + prefixBytes).copyMemory(from: body, byteCount: bodyBytes) }
        }
    }

    // Sound: owned by this value alone and freed once.
    private let encoder: OpaquePointer
    // Grown by nghttp3 with its default allocator.
    private var body = unsafe nghttp3_buf()
    private var instructions = unsafe nghttp3_buf()
    private var entries: [nghttp3_nv] = unsafe []
    /// Owned: the bytes of fields that are sent once, until they are encoded.
    private var text: UnsafeMutablePointer<UInt8>?
    private var textCapacity = 0

    /// - Parameter tableBytes: the most that is used of what the peer offers.
    init(tableBytes: Int) {
        var encoder: OpaquePointer?
        let status = unsafe nghttp3_qpack_encoder_new(&encoder, tableBytes, nghttp3_mem_default())
        guard status == 0, let encoder = unsafe encoder else { preconditionFailure("out of memory") }
        unsafe self.encoder = encoder
        unsafe nghttp3_buf_init(&body)
        unsafe nghttp3_buf_init(&instructions)
        unsafe cnghttp3_encoder_index_all(encoder)
    }

    deinit {
        var body = unsafe body
        var instructions = unsafe instructions
        unsafe nghttp3_buf_free(&body, nghttp3_mem_default())
        unsafe nghttp3_buf_free(&instructions, nghttp3_mem_default())
        unsafe nghttp3_qpack_encoder_del(encoder)
        unsafe text?.deallocate()
    }

    /// What the peer's SETTINGS allow.
    func setPeerLimits(tableBytes: UInt64, blockedStreams: UInt64) {
        unsafe nghttp3_qpack_encoder_set_max_dtable_capacity(encoder, Int(clamping: tableBytes))
        unsafe nghttp3_qpack_encoder_set_max_blocked_streams(encoder, Int(clamping: min(blockedStreams, 100)))
    }

    /// Encodes a section. What the encoder stream has to say before it is in ``takeInstructions()``.
    mutating func encode(
        stream: Int64, _ prepared: [PreparedField], _ extra: [HeaderPair]
    ) throws(HTTP3Error) -> Encoded {
        collect(prepared, extra)
        var encoded = Encoded()
        let status = unsafe withUnsafeMutableBytes(of: &encoded.prefixStorage) { storage in
            var prefix = unsafe nghttp3_buf()
            let start = unsafe storage.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe prefix.begin = start
            unsafe prefix.pos = start
            unsafe prefix.last = start
            unsafe prefix.end = start.map { unsafe $0 + storage.count }
            unsafe nghttp3_buf_reset(&body)
            let status = unsafe entries.withUnsafeBufferPointer { entries in
                unsafe nghttp3_qpack_encoder_encode(
                    encoder, &prefix, &body, &instructions, stream, entries.baseAddress, entries.count)
            }
            return (status, unsafe nghttp3_buf_len(&prefix))
        }
        // The fields' bytes have to stay where they are until here.
        withExtendedLifetime(prepared) {}
        guard status.0 == 0 else { throw HTTP3Error(.internalError, "QPACK: \(errorText(status.0))") }
        encoded.prefixBytes = status.1
        encoded.bodyBytes = unsafe nghttp3_buf_len(&body)
        unsafe encoded.body = unsafe UnsafePointer(body.pos)
        return encoded
    }

    private mutating func collect(_ prepared: [PreparedField], _ extra: [HeaderPair]) {
        unsafe entries.removeAll(keepingCapacity: true)
        for field in prepared { unsafe entries.append(field.entry) }
        guard !extra.isEmpty else { return }
        var byteCount = 0
        for field in extra { byteCount += field.name.utf8.count + field.value.utf8.count }
        if unsafe byteCount > textCapacity || text == nil {
            unsafe text?.deallocate()
            textCapacity = max(byteCount, 256)
            unsafe text = .allocate(capacity: textCapacity)
        }
        guard var target = unsafe text else { return }
        for field in extra {
            let nameBytes = unsafe Self.copy(field.name, to: target)
            let valueBytes = unsafe Self.copy(field.value, to: target + nameBytes)
            unsafe entries.append(
                nghttp3_nv(
                    name: target, value: target + nameBytes, namelen: nameBytes, valuelen: valueBytes,
                    flags: UInt8(field.isSensitive ? NGHTTP3_NV_FLAG_NEVER_INDEX : NGHTTP3_NV_FLAG_NONE)))
            unsafe target += nameBytes + valueBytes
        }
    }

    private static func copy(_ text: String, to target: UnsafeMutablePointer<UInt8>) -> Int {
        var text = text
        return text.withUTF8 { source in
            if let start = source.baseAddress { unsafe target.initialize(from: start, count: source.count) }
            return source.count
        }
    }

    /// Whether something waits for the encoder stream.
    var hasInstructions: Bool { unsafe instructions.last != instructions.pos }

    /// Takes what waits for the encoder stream.
    mutating func takeInstructions() -> Bytes {
        let count = unsafe nghttp3_buf_len(&instructions)
        guard count > 0 else { return Bytes() }
        let bytes = unsafe Bytes(copying: UnsafeRawBufferPointer(start: instructions.pos, count: count))
        unsafe nghttp3_buf_reset(&instructions)
        return bytes
    }

    /// What came on the peer's decoder stream.
    func receive(decoderStream bytes: RawSpan) throws(HTTP3Error) {
        let status = unsafe bytes.withUnsafeBytes { buffer in
            unsafe nghttp3_qpack_encoder_read_decoder(
                encoder, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count)
        }
        guard status >= 0 else {
            throw HTTP3Error(
                .qpackDecoderStreamError, "the decoder stream cannot be read: \(errorText(Int32(clamping: status)))")
        }
    }
}
