internal import Glibc

/// The operating system's text for an error number.
package func systemMessage(_ errno: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    // The XSI form writes into the buffer; it is safe to call from any thread.
    guard unsafe strerror_r(errno, &buffer, buffer.count) == 0 else { return "error \(errno)" }
    let text = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: text, as: UTF8.self)
}
