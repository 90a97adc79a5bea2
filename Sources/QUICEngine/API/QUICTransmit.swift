/// Datagrams to send: all to one place, each of `segmentBytes`, the last perhaps shorter.
package struct QUICTransmit {
    /// How many bytes of the buffer are used.
    package var byteCount: Int
    package var segmentBytes: Int
    /// The ECN bits of the IP header (RFC 3168), 0 to 3.
    package var ecn: UInt8
    package var path: QUICPath
}
