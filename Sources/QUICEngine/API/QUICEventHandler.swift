package import NodeTransport

/// Whom an endpoint gives its events to.
///
/// What comes for every call is a call itself, with its stream and bytes lent; all else is a ``QUICEvent``.
package protocol QUICEventHandler: AnyObject {
    /// Whether it takes any more; asked before each event.
    var takesEvents: Bool { get }
    /// As ``QUICEvent/streamData(_:_:isLast:)``.
    func received(_ stream: QUICStream, _ bytes: Bytes, isLast: Bool)
    /// As ``QUICEvent/streamAcknowledged(_:byteCount:)``.
    func acknowledged(_ stream: QUICStream, byteCount: Int)
    /// As ``QUICEvent/streamClosed(_:code:)``.
    func closed(_ stream: QUICStream, code: UInt64?)
    func take(_ event: QUICEvent)
}
