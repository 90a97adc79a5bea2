import Logging
import Synchronization

/// A list that tasks append to.
final class Recording<Element: Sendable>: Sendable {
    private let list = Mutex<[Element]>([])

    var all: [Element] { list.withLock { $0 } }

    func append(_ element: Element) { list.withLock { $0.append(element) } }
}

extension Recording<String> {
    /// Writes its lines here.
    var logger: Logger {
        var logger = Logger(label: "test") { _ in RecordingLog(lines: self) }
        logger.logLevel = .trace
        return logger
    }
}

private struct RecordingLog: LogHandler {
    let lines: Recording<String>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.append("\(event.level) \(event.message)") }
}
