internal import DAGNode
internal import Logging
internal import NodeTransport
internal import TransportTLS

/// What a node's log says, and how loud.
enum NodeLog {
    static func logger(level: Logger.Level) -> Logger {
        var logger = Logger(label: "dagnode", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = level
        return logger
    }

    static func write(_ event: NodeEvent, to logger: Logger) {
        logger.log(level: level(of: event), "\(event)")
    }

    static func write(_ event: TransportEvent, to logger: Logger) {
        switch event.kind {
        case .handshakeFailed:
            logger.warning(
                "refused \(event.remoteEndpoint.map { "\($0)" } ?? "a peer"): \(event.error.map { "\($0)" } ?? "handshake failed")"
            )
        case .connectionRefused, .acceptFailed, .pinMismatch: logger.warning("\(event)")
        default: logger.debug("\(event)")
        }
    }

    static func write(_ event: CredentialEvent, to logger: Logger) {
        logger.log(level: event.error == nil ? .notice : .error, "\(event)")
    }

    private static func level(of event: NodeEvent) -> Logger.Level {
        switch event {
        case .linked, .acknowledgementsRecorded: .trace
        case .broadcast(_, _, let result): result.isHeld ? .trace : .debug
        case .repaired(_, let report): report.missing == 0 ? .debug : .info
        case .peerConnected: .info
        default: event.isProblem ? .warning : .info
        }
    }
}
