/// Bytes for a packet where they lie: what `ngtcp2_vec` and `nghttp3_vec` are.
@safe
package struct QUICVector {
    package var base: UnsafePointer<UInt8>?
    package var count: Int

    package init(base: UnsafePointer<UInt8>?, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    /// How many of them one offer may have. ngtcp2 0.12 keeps longer lists in memory of their own, which it never
    /// frees when a packet with them was lost and they had to be divided.
    package static var maximumCount: Int { 3 }
}
