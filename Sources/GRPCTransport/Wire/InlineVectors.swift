internal import CSystem
internal import Glibc

/// Room on the stack for the segments of one gathering write.
@unsafe
struct InlineVectors {
    static let capacity = 64

    private var vectors = unsafe InlineArray<64, iovec>(repeating: iovec())

    /// - Precondition: `index` is below ``capacity``.
    mutating func set(_ index: Int, _ pointer: UnsafeRawPointer?, _ count: Int) {
        unsafe vectors[index] = iovec(iov_base: UnsafeMutableRawPointer(mutating: pointer), iov_len: count)
    }

    /// Writes the first `count` segments; how many bytes the socket took, or a negated errno.
    func write(_ descriptor: Int32, _ count: Int) -> Int {
        unsafe vectors.span.withUnsafeBufferPointer { unsafe cs_writev(descriptor, $0.baseAddress, Int32(count)) }
    }
}
