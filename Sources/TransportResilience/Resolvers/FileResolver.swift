public import NodeTransport

/// Peers from a file that is watched: one endpoint a line.
///
/// ```
/// # the ledger's nodes
/// grpc://10.0.0.1:50051
/// grpc://node-2.example:50051@10.0.0.2 weight=3
/// grpc://[fd00::3]:50051               priority=1   # for when none of the others can be reached
/// ```
///
/// The file is looked at once a second. Replace it by renaming another to its name: one that is written in place may be
/// read while half of it is there. A file with a line that cannot be understood is reported with its name and the
/// line's number, and the peers stay those that they were; so do they while there is no file. A file without peers means
/// that there are none. It has at most 1 MiB.
public struct FileResolver: Resolver {
    private let path: String
    private let interval: Duration
    private let clock: AnyContinuousClock

    /// - Parameters:
    ///   - path: The file; it need not be there yet.
    ///   - interval: How often it is looked at; at least 10 ms.
    ///   - clock: What the interval passes on.
    public init<C: Clock>(_ path: String, interval: Duration = .seconds(1), clock: C = ContinuousClock())
    where C.Instant == ContinuousClock.Instant {
        self.path = path
        self.interval = max(interval, .milliseconds(10))
        self.clock = AnyContinuousClock(clock)
    }

    public func follow(
        _ target: Endpoint, requests: ResolutionRequests,
        report: @escaping @Sendable (Result<[ResolvedPeer], TransportError>) -> Void
    ) async {
        var last: Result<String, TransportError>?
        while !Task.isCancelled {
            let text = Result { () throws(TransportError) in try PeerFile.read(path) }
            if !isSame(text, last) {
                last = text
                report(text.flatMap { text in Result { () throws(TransportError) in try PeerFile.parse(text, path) } })
            }
            // Requests change nothing: it is looked again soon enough.
            guard (try? await clock.sleep(for: interval)) != nil else { return }
        }
    }

    private func isSame(_ new: Result<String, TransportError>, _ old: Result<String, TransportError>?) -> Bool {
        switch (new, old) {
        case (.success(let new), .success(let old)): new == old
        case (.failure(let new), .failure(let old)): new.message == old.message
        default: false
        }
    }
}
