/// A moment in nanoseconds on the caller's monotonic clock, or a span of time.
///
/// The engine never reads a clock: every input names its moment, and none may be before the one that
/// came before it.
package typealias QUICTime = UInt64

extension QUICTime {
    package static func seconds(_ count: UInt64) -> QUICTime { count * 1_000_000_000 }
    package static func milliseconds(_ count: UInt64) -> QUICTime { count * 1_000_000 }

    /// The later moment; the end of time where the sum has no room.
    func after(_ span: QUICTime) -> QUICTime {
        let (sum, isOverflowing) = addingReportingOverflow(span)
        return isOverflowing ? .max : sum
    }
}
