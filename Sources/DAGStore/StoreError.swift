internal import GRDB
public import NodeTransport

/// Why a store could not be opened, read or written.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure; grows.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String { case locked, unreadable, corrupt, full, busy, failed }
        private let value: Value

        /// Another process has it open.
        public static let locked = Code(value: .locked)
        /// It cannot be opened: no such directory, no permission, not a database.
        public static let unreadable = Code(value: .unreadable)
        /// Its content is damaged.
        public static let corrupt = Code(value: .corrupt)
        /// The disk is full.
        public static let full = Code(value: .full)
        /// Too much is waiting to be written.
        public static let busy = Code(value: .busy)
        /// Anything else.
        public static let failed = Code(value: .failed)

        public var description: String { value.rawValue }
    }

    public let code: Code
    /// One line for a person, with the file it is about.
    public let message: String
    /// The error underneath.
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// An error of the database in `path`.
    init(_ error: any Error, path: String) {
        guard let error = error as? DatabaseError else {
            self = error as? StoreError ?? StoreError(.failed, "database \(path): \(error)", cause: error)
            return
        }
        let code: Code
        switch error.resultCode {
        case .SQLITE_CORRUPT: code = .corrupt
        case .SQLITE_NOTADB, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY: code = .unreadable
        case .SQLITE_FULL: code = .full
        case .SQLITE_BUSY, .SQLITE_LOCKED: code = .locked
        default: code = .failed
        }
        self.init(code, "database \(path): \(error.message ?? error.resultCode.description)", cause: error)
    }

    public var description: String { message }

    /// The status with which a service answers: what is full or busy now may work later.
    public var status: TransportError {
        switch code {
        case .busy, .full: TransportError(.resourceExhausted, message, cause: cause)
        case .corrupt: TransportError(.dataLoss, message, cause: cause)
        default: TransportError(.unavailable, message, cause: cause)
        }
    }
}
