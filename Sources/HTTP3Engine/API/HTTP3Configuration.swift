/// The limits an engine announces and enforces.
///
/// Values out of the range that RFC 9114 and RFC 9204 allow are brought into it when the engine is made.
package struct HTTP3Configuration: Sendable {
    /// The largest field section accepted, counted as RFC 9114 §4.2.2 does (name + value + 32 each).
    ///
    /// A larger one is never decoded to its end: ``HTTP3Event/headersTooLarge(_:)`` says so, and the stream's rest is
    /// dropped. A single string over 64 KiB cannot be decoded at all and ends the connection.
    package var maxFieldSectionBytes = 16 << 10

    /// How many fields a section may have.
    package var maxFieldCount = 256

    /// Room for the peer's dynamic table, and the most that this side's encoder uses of what the peer offers.
    package var dynamicTableBytes = 4096

    /// How many streams may wait for the encoder stream. What they hold is not given back to flow control, so the
    /// connection's window bounds it.
    package var maxBlockedStreams = 100

    /// Announces SETTINGS_H3_DATAGRAM = 1 (RFC 9297 §2.1.1).
    package var announcesDatagrams = false

    /// How many frames without content (empty DATA, unknown frames, informational responses) may follow one another on
    /// one stream.
    package var maxIdleFrames = 1000

    /// The largest SETTINGS or other known frame accepted on the control stream.
    package var maxControlFrameBytes = 4096

    /// A stream whose unsent content has reached this size announces when it has fallen below again.
    package var streamQueueLowWaterBytes = 64 << 10

    /// How much unsent content one stream may hold; what exceeds it is refused.
    package var maxStreamQueueBytes = 16 << 20

    /// How many bytes one stream may send before another has its turn.
    package var turnBytes = 16 << 10

    package init() {}

    /// The same with every value within what the protocol allows.
    func clamped() -> Self {
        var copy = self
        copy.maxFieldSectionBytes = min(max(maxFieldSectionBytes, 256), 1 << 24)
        copy.maxFieldCount = max(maxFieldCount, 8)
        copy.dynamicTableBytes = min(max(dynamicTableBytes, 0), 1 << 20)
        copy.maxBlockedStreams = min(max(maxBlockedStreams, 0), 1 << 16)
        copy.maxIdleFrames = max(maxIdleFrames, 1)
        copy.maxControlFrameBytes = min(max(maxControlFrameBytes, 256), 1 << 20)
        copy.streamQueueLowWaterBytes = max(streamQueueLowWaterBytes, 1)
        copy.maxStreamQueueBytes = max(maxStreamQueueBytes, 1)
        copy.turnBytes = max(turnBytes, 1)
        return copy
    }
}
