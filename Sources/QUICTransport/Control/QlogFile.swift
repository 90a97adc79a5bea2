internal import Glibc
internal import NodeTransport
internal import QUICEngine
internal import Synchronization

/// The qlog of one connection, in a file of its own.
///
/// It is written on the connection's loop as it comes: for looking at a problem, not for everyday.
final class QlogFile: Sendable {
    private static let count = Atomic<Int>(0)

    private let descriptor: Int32

    /// Opens `folder/client-PID-1.sqlog` or the like; nil where that cannot be.
    init?(folder: String, isServer: Bool) {
        let number = Self.count.add(1, ordering: .relaxed).newValue
        let path = "\(folder)/\(isServer ? "server" : "client")-\(getpid())-\(number).sqlog"
        // Traffic keys are not in it, but who talked to whom is: for the owner alone.
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let written = unsafe write(descriptor, rest.baseAddress, rest.count)
            guard written > 0 else { return }
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }
}

extension QUICTransport.Configuration {
    /// Opens the file of each new connection.
    var qlog: (@Sendable (Bool, QUICPath) -> (@Sendable (UnsafeRawBufferPointer) -> Void)?)? {
        guard let qlogFolder else { return nil }
        return { isServer, _ in
            guard let file = QlogFile(folder: qlogFolder, isServer: isServer) else { return nil }
            return { unsafe file.append($0) }
        }
    }
}
