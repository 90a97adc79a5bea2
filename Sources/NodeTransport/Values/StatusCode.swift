/// The outcome of a call, with the numbers and meanings of gRPC's status codes.
///
/// See the gRPC documentation, "Status codes and their use in gRPC" (`doc/statuscodes.md`).
public struct StatusCode: RawRepresentable, Sendable, Hashable {
    /// The number on the wire. gRPC defines 0 to 16; other numbers are kept as they came.
    public let rawValue: Int

    @inlinable
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// The call succeeded.
    @inlinable public static var ok: StatusCode { StatusCode(rawValue: 0) }
    /// The caller cancelled the call.
    @inlinable public static var cancelled: StatusCode { StatusCode(rawValue: 1) }
    /// An error of another address space or one without enough information.
    @inlinable public static var unknown: StatusCode { StatusCode(rawValue: 2) }
    /// The request is wrong whatever the state of the system.
    @inlinable public static var invalidArgument: StatusCode { StatusCode(rawValue: 3) }
    /// The deadline passed before the call ended.
    @inlinable public static var deadlineExceeded: StatusCode { StatusCode(rawValue: 4) }
    /// What was asked for does not exist.
    @inlinable public static var notFound: StatusCode { StatusCode(rawValue: 5) }
    /// What was to be created exists already.
    @inlinable public static var alreadyExists: StatusCode { StatusCode(rawValue: 6) }
    /// The caller is known and may not do this.
    @inlinable public static var permissionDenied: StatusCode { StatusCode(rawValue: 7) }
    /// A quota, a limit or memory is used up.
    @inlinable public static var resourceExhausted: StatusCode { StatusCode(rawValue: 8) }
    /// The system is not in the state that the call needs.
    @inlinable public static var failedPrecondition: StatusCode { StatusCode(rawValue: 9) }
    /// The operation was aborted, for example by a conflict; retry at a higher level.
    @inlinable public static var aborted: StatusCode { StatusCode(rawValue: 10) }
    /// The operation went past the valid range.
    @inlinable public static var outOfRange: StatusCode { StatusCode(rawValue: 11) }
    /// The method, or a feature that the call needs, is not there.
    @inlinable public static var unimplemented: StatusCode { StatusCode(rawValue: 12) }
    /// An invariant of the system is broken, or the peer broke the protocol.
    @inlinable public static var `internal`: StatusCode { StatusCode(rawValue: 13) }
    /// The peer cannot be reached now; usually worth a retry.
    @inlinable public static var unavailable: StatusCode { StatusCode(rawValue: 14) }
    /// Data is lost or corrupt beyond repair.
    @inlinable public static var dataLoss: StatusCode { StatusCode(rawValue: 15) }
    /// The caller did not prove who it is.
    @inlinable public static var unauthenticated: StatusCode { StatusCode(rawValue: 16) }

    private static let names = [
        "ok", "cancelled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists",
        "permission_denied", "resource_exhausted", "failed_precondition", "aborted", "out_of_range",
        "unimplemented", "internal", "unavailable", "data_loss", "unauthenticated",
    ]
}

extension StatusCode: CustomStringConvertible {
    /// gRPC's name in snake case, for example `deadline_exceeded`; `code_N` for numbers gRPC does not define.
    public var description: String {
        Self.names.indices.contains(rawValue) ? Self.names[rawValue] : "code_\(rawValue)"
    }
}
