/// How many frames of one kind wait in the output: an upper bound, kept without looking at each frame.
///
/// Frames are counted in two generations. When all that waited as the younger one began has been
/// written, the older one is forgotten and the younger takes its place.
struct QueuedFrameCount {
    private var older = 0
    private var younger = 0
    /// The older generation is written when so many bytes have left the output.
    private var mark = 0

    /// Counts a frame that is about to be appended and returns how many may be waiting, it included.
    ///
    /// - Parameters:
    ///   - writtenBytes: how many bytes have ever left the output.
    ///   - queuedBytes: how many wait there now.
    mutating func add(writtenBytes: Int, queuedBytes: Int) -> Int {
        if queuedBytes == 0 {
            older = 0
            younger = 0
            mark = writtenBytes
        } else if writtenBytes >= mark {
            older = younger
            younger = 0
            mark = writtenBytes + queuedBytes
        }
        younger += 1
        return older + younger
    }
}
