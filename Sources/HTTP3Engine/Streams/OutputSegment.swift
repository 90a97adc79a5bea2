/// A run of output bytes, laid out like the system's `iovec` and ngtcp2's `ngtcp2_vec`.
@unsafe
package struct OutputSegment {
    package let pointer: UnsafeRawPointer
    package let count: Int

    package init(pointer: UnsafeRawPointer, count: Int) {
        unsafe self.pointer = pointer
        unsafe self.count = count
    }
}
