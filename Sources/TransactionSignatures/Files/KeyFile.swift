#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif
internal import NodeTransport

/// Reading and writing small files that are secret, on the C library alone: what Foundation creates is open to others
/// for a moment.
enum KeyFile {
    /// No key file is larger; an ML-DSA-87 key with its expanded form has some 7 KiB.
    static let maximumByteCount = 256 << 10

    /// The contents of a file, and its mode bits.
    static func read(_ path: String) throws(SignatureError) -> (contents: Bytes, mode: mode_t) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(.unreadable, "cannot be opened", path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure(.unreadable, "cannot be examined", path) }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw SignatureError(.unreadable, "cannot be read: it is a folder", file: path)
        }
        var contents: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let capacity = room.count
            let count = unsafe systemRead(descriptor, &room, capacity)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure(.unreadable, "cannot be read", path) }
            if count == 0 { break }
            contents += room.prefix(count)
            guard contents.count <= maximumByteCount else {
                throw SignatureError(.unreadable, "is larger than \(maximumByteCount >> 10) KiB", file: path)
            }
        }
        return (Bytes(contents), status.st_mode & 0o7777)
    }

    /// Creates a file of mode 0600 in one step; throws when there is one.
    static func create(_ path: String, _ contents: Bytes) throws(SignatureError) {
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: .min ... .max)).tmp"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure(.unwritable, "cannot be written", path) }
        var isOpen = true
        defer {
            if isOpen { close(descriptor) }
            unsafe unlink(temporary)
        }
        // The umask may have taken bits away.
        guard fchmod(descriptor, 0o600) == 0, writeAll(contents, to: descriptor), fsync(descriptor) == 0 else {
            throw failure(.unwritable, "cannot be written", path)
        }
        isOpen = false
        guard close(descriptor) == 0 else { throw failure(.unwritable, "cannot be written", path) }
        // A link, unlike a renaming, does not replace what is there.
        guard unsafe link(temporary, path) == 0 else {
            guard errno == EEXIST else { throw failure(.unwritable, "cannot be written", path) }
            throw SignatureError(.fileExists, "is there already and is not overwritten", file: path)
        }
        synchronizeFolder(of: path)
    }

    /// A new name is safe only when its folder is on the disk; a file system that cannot do that is no failure.
    private static func synchronizeFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func writeAll(_ contents: Bytes, to descriptor: Int32) -> Bool {
        unsafe contents.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
                let count = unsafe systemWrite(descriptor, rest.baseAddress, rest.count)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return false }
                written += count
            }
            return true
        }
    }

    private static func failure(_ code: SignatureError.Code, _ what: String, _ path: String) -> SignatureError {
        let reason = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return SignatureError(code, "\(what): \(reason)", file: path)
    }
}

/// `read` and `write`, which are hidden by functions of the same name in ``KeyFile``.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    unsafe read(descriptor, buffer, count)
}

private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    unsafe write(descriptor, buffer, count)
}
