/// Where in the stream of frames the input stands between two calls.
struct FrameInput: ~Copyable {
    /// What a client sends first (RFC 9113 §3.4).
    static let clientPreface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// How much of the client's preface is still to come.
    var expectedPrefaceBytes = 0

    /// The beginning of a frame that is not DATA, whose rest has not arrived.
    var partialFrame: [UInt8] = []

    /// The DATA frame, or the frame of unknown type, whose payload is arriving.
    var payload = Payload()

    /// The payload of a frame that is passed on, or dropped, as it arrives.
    struct Payload {
        /// How many bytes are to come, padding included; 0 between frames.
        var remainingBytes = 0
        /// How many of these are padding.
        var paddingBytes = 0
        /// The next byte says how much padding there is.
        var awaitsPaddingLength = false
        /// The stream and its slot; −1 when the payload is dropped.
        var stream: UInt32 = 0
        var slot = -1
        var endStream = false
    }

    /// Whether the input stands between two frames.
    var isAtFrameBoundary: Bool {
        expectedPrefaceBytes == 0 && partialFrame.isEmpty && payload.remainingBytes == 0
    }
}

/// A header block that is arriving in HEADERS and CONTINUATION frames.
struct HeaderBlockAssembly {
    /// The stream; 0 when no block is arriving.
    var stream: UInt32 = 0
    var endStream = false
    var bytes: [UInt8] = []
    var continuationBytes = 0
    var continuationFrames = 0

    /// CONTINUATION frames of one block; empty ones cost the sender next to nothing.
    static let maxContinuationFrames = 256

    var isActive: Bool { stream != 0 }
}
