internal import Dispatch
internal import Foundation
internal import Synchronization

/// Ends the children, removes the folder of the run and exits with 128 + signal (130 for Ctrl-C) when a signal comes.
final class Interruption {
    private static let folder = Mutex<URL?>(nil)

    private let sources: [any DispatchSourceSignal]

    init(removing folder: URL) {
        Self.folder.withLock { $0 = folder }
        // Handlers and not SIG_IGN: children would inherit that. With one for SIGPIPE a write fails instead.
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { signal(number) { _ in } }
        sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { Self.end(number) }
            source.resume()
            return source
        }
    }

    /// Ends the run as if this signal had come.
    static func end(_ number: Int32) -> Never {
        Children.shared.endAll()
        if let folder = folder.withLock({ $0 }) { try? FileManager.default.removeItem(at: folder) }
        exit(128 + number)
    }
}
