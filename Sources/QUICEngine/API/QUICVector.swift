/// Bytes for a packet where they lie: what `ngtcp2_vec` and `nghttp3_vec` are.
@safe
package struct QUICVector {
    package var base: UnsafePointer<UInt8>?
    package var count: Int

    package init(base: UnsafePointer<UInt8>?, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    /// How many of them one offer may have.
    package static var maximumCount: Int { 16 }
}
