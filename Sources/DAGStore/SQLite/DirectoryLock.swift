#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Keeps a second process out of a node's directory for as long as it is alive.
///
/// The kernel lets go of the lock when the process ends in whatever way, so a lock is never stale.
final class DirectoryLock: Sendable {
    private let descriptor: CInt

    /// - Throws: ``StoreError`` with ``StoreError/Code/locked`` when another process has the lock.
    init(path: String) throws {
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(.unreadable, "cannot open \(path): \(Self.lastError())")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno == EWOULDBLOCK ? "another process has it open" : Self.lastError()
            _ = close(descriptor)
            throw StoreError(.locked, "cannot lock \(path): \(reason)")
        }
    }

    deinit { _ = close(descriptor) }

    private static func lastError() -> String { unsafe String(cString: strerror(errno)) }
}
