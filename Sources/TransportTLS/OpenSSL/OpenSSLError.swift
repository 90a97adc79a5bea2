internal import COpenSSL

/// One entry of this thread's OpenSSL error queue.
struct OpenSSLError {
    let library: Int32
    let reason: Int32
    let text: String

    /// Takes everything out of the queue, the oldest entry (the root cause) first.
    static func takeAll() -> [OpenSSLError] {
        var entries: [OpenSSLError] = []
        while true {
            let code = ERR_get_error()
            if code == 0 { return entries }
            guard entries.count < 16 else { continue }
            let name = unsafe ERR_reason_error_string(code).map { unsafe String(cString: $0) }
            entries.append(
                OpenSSLError(library: ERR_GET_LIB(code), reason: ERR_GET_REASON(code), text: name ?? "error \(code)")
            )
        }
    }

    /// The queue as an error of our own, for failures that only a lack of memory or a bug can cause.
    static func failure(_ what: String) -> TLSError {
        let texts = takeAll().map(\.text)
        return TLSError(.internalFailure, ([what + " failed"] + texts).joined(separator: ": "))
    }
}

/// A C string in a fixed array of characters, up to its terminator.
func text(of characters: [CChar]) -> String {
    String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
