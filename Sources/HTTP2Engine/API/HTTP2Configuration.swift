/// The limits an engine announces and enforces.
///
/// Values out of the range that RFC 9113 allows are brought into it when the engine is made.
package struct HTTP2Configuration: Sendable {
    /// How much a peer may send on one stream before the owner has consumed it.
    package var initialStreamWindowBytes = 1 << 20

    /// How much a peer may have in flight on the connection; at least 65,535.
    package var connectionWindowBytes = 4 << 20

    /// The largest frame accepted, 16,384 to 2^24 − 1.
    package var maxFrameBytes = 16_384

    /// How many streams a peer may have open; one more is refused with REFUSED_STREAM.
    package var maxConcurrentStreams = 256

    /// The largest header list accepted, counted as RFC 9113 §10.5.1 does (name + value + 32 each).
    package var maxHeaderListBytes = 16 << 10

    /// Room for the dynamic tables of HPACK, in both directions.
    package var headerTableBytes = 4096

    /// How many answers that a peer provoked may wait in the output: it sends but does not read.
    package var maxQueuedControlFrames = 1000

    /// How many empty DATA frames without END_STREAM may follow one another.
    package var maxEmptyDataFrames = 100

    /// How many streams a client may reset soon after it has opened them, or have reset for its errors, in one window of
    /// time, beyond those that ended well.
    package var maxResetsPerWindow = 200

    /// How soon is meant by that: a server has hardly begun.
    package var rapidResetNanoseconds: Int64 = 100_000_000

    /// How many SETTINGS frames a peer may send in one window of time.
    package var maxSettingsPerWindow = 1000

    /// How many PINGs a peer may send in one window of time; grpc-go sends one per round trip while it
    /// estimates the bandwidth, so this is generous. A stricter policy is the owner's.
    package var maxPingsPerWindow = 1_000_000

    /// The length of the windows above.
    package var abuseWindowNanoseconds: Int64 = 30_000_000_000

    /// How many bytes of one header block may come in CONTINUATION frames.
    package var maxContinuationBytes = 16 << 10

    /// A stream whose queue has reached this size announces when it has fallen below again.
    package var streamQueueLowWaterBytes = 64 << 10

    /// ``HTTP2Engine/fill(into:)`` stops when so much output waits to be written.
    package var outputHighWaterBytes = 256 << 10

    package init() {}

    /// The same with every value within what the protocol allows.
    func clamped() -> Self {
        var copy = self
        copy.initialStreamWindowBytes = min(max(initialStreamWindowBytes, 1), FlowControl.maxWindow)
        copy.connectionWindowBytes = min(max(connectionWindowBytes, FlowControl.defaultWindow), FlowControl.maxWindow)
        copy.maxFrameBytes = min(max(maxFrameBytes, 16_384), 16_777_215)
        copy.maxConcurrentStreams = min(max(maxConcurrentStreams, 1), Int(Int32.max) / 2)
        copy.maxHeaderListBytes = min(max(maxHeaderListBytes, 256), 1 << 24)
        copy.headerTableBytes = min(max(headerTableBytes, 0), 1 << 20)
        copy.maxContinuationBytes = min(max(maxContinuationBytes, 0), 1 << 24)
        copy.streamQueueLowWaterBytes = max(streamQueueLowWaterBytes, 1)
        copy.outputHighWaterBytes = max(outputHighWaterBytes, 1)
        return copy
    }
}

/// The numbers of RFC 9113 §6.9.
enum FlowControl {
    static let defaultWindow = 65_535
    static let maxWindow = 0x7fff_ffff
}
