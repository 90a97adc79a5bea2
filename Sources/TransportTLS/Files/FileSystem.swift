internal import Glibc
internal import NodeTransport

/// The few file operations that identities need, on Glibc alone.
enum FileSystem {
    /// No certificate file is larger; a system's bundle of roots has some 250 KiB.
    static let maximumFileBytes = 4 << 20

    /// The contents of a file, and its mode bits.
    static func read(_ path: String) throws(TLSError) -> (contents: Bytes, mode: mode_t) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(.unreadable, "cannot be opened", path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure(.unreadable, "cannot be examined", path) }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw TLSError(.unreadable, "cannot be read: it is a folder", file: path)
        }
        var builder = BytesBuilder(capacity: Int(max(0, min(Int(status.st_size), maximumFileBytes))) + 1)
        while true {
            var outcome = 0
            unsafe builder.append(byteCount: 16 << 10) { buffer in
                repeat {
                    outcome = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                } while outcome < 0
                    && errno == EINTR
                return max(0, outcome)
            }
            guard outcome >= 0 else { throw failure(.unreadable, "cannot be read", path) }
            if outcome == 0 { break }
            guard builder.count <= maximumFileBytes else {
                throw TLSError(.unreadable, "is larger than \(maximumFileBytes >> 20) MiB", file: path)
            }
        }
        return (builder.finish(), status.st_mode & 0o7777)
    }

    /// Throws when bytes that did not come from a file are more than a file may have.
    static func checkSize(_ contents: Bytes, _ source: String) throws(TLSError) {
        guard contents.count > maximumFileBytes else { return }
        throw TLSError(.unreadable, "is larger than \(maximumFileBytes >> 20) MiB", file: source)
    }

    /// Creates a file in one step: it is there completely or not at all.
    ///
    /// Throws ``TLSError/Code/fileExists`` when `path` is there and `replacing` is false.
    static func write(_ contents: Bytes, to path: String, mode: mode_t, replacing: Bool) throws(TLSError) {
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: .min ... .max)).tmp"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw failure(.unwritable, "cannot be written", path) }
        var isOpen = true
        defer {
            if isOpen { close(descriptor) }
            unsafe unlink(temporary)
        }
        // The umask may have taken bits away from a certificate; a key gets exactly its own.
        guard fchmod(descriptor, mode) == 0, writeAll(contents, to: descriptor), fsync(descriptor) == 0 else {
            throw failure(.unwritable, "cannot be written", path)
        }
        isOpen = false
        guard close(descriptor) == 0 else { throw failure(.unwritable, "cannot be written", path) }
        if replacing {
            guard unsafe rename(temporary, path) == 0 else { throw failure(.unwritable, "cannot be written", path) }
        } else if unsafe link(temporary, path) != 0 {
            guard errno == EEXIST else { throw failure(.unwritable, "cannot be written", path) }
            throw TLSError(.fileExists, "is there already and is not overwritten", file: path)
        }
    }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0
    }

    /// Runs `body` while no other process runs one for the same folder; creates the folder if need be.
    static func withLock<Result>(
        onDirectory path: String,
        _ body: () throws(TLSError) -> Result
    ) throws(TLSError) -> Result {
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw failure(.unwritable, "cannot be created", path)
        }
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(.unwritable, "cannot be opened", path) }
        // Closing ends the lock.
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw failure(.unwritable, "cannot be locked", path) }
        }
        let result = try body()
        // New names in a folder are safe only when the folder itself is on disk.
        fsync(descriptor)
        return result
    }

    private static func writeAll(_ contents: Bytes, to descriptor: Int32) -> Bool {
        unsafe contents.withUnsafeBytes { buffer in
            var rest = unsafe buffer[...]
            while unsafe !rest.isEmpty {
                let chunk = unsafe UnsafeRawBufferPointer(rebasing: rest)
                let count = unsafe Glibc.write(descriptor, chunk.baseAddress, chunk.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return false }
                unsafe rest = rest.dropFirst(count)
            }
            return true
        }
    }

    private static func failure(_ code: TLSError.Code, _ what: String, _ path: String) -> TLSError {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return TLSError(code, "\(what): \(reason)", file: path)
    }
}
