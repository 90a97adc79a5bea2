internal import NodeTransport
internal import Synchronization

/// A connection that can be asked for its figures.
protocol StatisticsSource: AnyObject, Sendable {
    /// What they are, or were when it closed.
    func snapshot() async -> QUICTransportStatistics.ConnectionSnapshot?
}

/// Knows which connections of a transport are open, and what the others have summed up to.
///
/// A connection goes from one to the other in one step, so that the sums neither miss nor repeat it.
final class StatisticsBook: Sendable {
    private struct State {
        var sources: [ObjectIdentifier: any StatisticsSource] = [:]
        var closed = QUICTransportStatistics.Totals()
    }

    private let state = Mutex(State())
    private let onClose: (@Sendable (QUICTransportStatistics.ConnectionSnapshot) -> Void)?

    init(onClose: (@Sendable (QUICTransportStatistics.ConnectionSnapshot) -> Void)?) { self.onClose = onClose }

    /// The connection is ready.
    func add(_ source: any StatisticsSource) { state.withLock { $0.sources[ObjectIdentifier(source)] = source } }

    /// The connection is closed; nothing happens when it had not become ready.
    func close(_ source: any StatisticsSource, _ last: QUICTransportStatistics.ConnectionSnapshot) {
        let wasOpen = state.withLock { state in
            guard state.sources.removeValue(forKey: ObjectIdentifier(source)) != nil else { return false }
            state.closed.add(last.statistics)
            return true
        }
        if wasOpen { onClose?(last) }
    }

    func statistics() async -> QUICTransportStatistics {
        let (sources, closed) = state.withLock { (Array($0.sources.values), $0.closed) }
        var statistics = QUICTransportStatistics()
        statistics.totals = closed
        for source in sources {
            guard let snapshot = await source.snapshot() else { continue }
            statistics.totals.add(snapshot.statistics)
            statistics.connections.append(snapshot)
        }
        return statistics
    }
}
