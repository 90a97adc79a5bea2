internal import NodeTransport
internal import QUICEngine

extension QUICClientConnection: StatisticsSource {
    func snapshot() -> QUICTransportStatistics.ConnectionSnapshot? { lastSnapshot ?? currentSnapshot }

    private var currentSnapshot: QUICTransportStatistics.ConnectionSnapshot? {
        guard let wire else { return nil }
        var statistics = QUICConnectionStatistics(wire.quic.statistics)
        statistics.droppedDatagrams += inbox.dropped + unsentDatagrams
        return QUICTransportStatistics.ConnectionSnapshot(
            role: .client, remoteEndpoint: endpoint, peer: peer, statistics: statistics)
    }

    /// To be called while there still is a wire.
    func closeBook() {
        guard let last = currentSnapshot else { return }
        lastSnapshot = last
        configuration.book?.close(self, last)
    }
}

extension QUICServerConnection: StatisticsSource {
    func snapshot() -> QUICTransportStatistics.ConnectionSnapshot? { lastSnapshot ?? currentSnapshot }

    private var currentSnapshot: QUICTransportStatistics.ConnectionSnapshot {
        var statistics = QUICConnectionStatistics(wire.quic.statistics)
        statistics.droppedDatagrams += refusedDatagrams
        return QUICTransportStatistics.ConnectionSnapshot(
            role: .server, remoteEndpoint: remoteEndpoint, peer: port.peer, statistics: statistics)
    }

    /// To be called before the wire is closed.
    func closeBook() {
        let last = currentSnapshot
        lastSnapshot = last
        configuration.book?.close(self, last)
    }
}
