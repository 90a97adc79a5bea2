internal import NodeTransport

/// Asks DNS servers; a test may answer in their place.
protocol DNSQuerying: Sendable {
    /// Asks for records of `type` under `name`. "There is none" is an answer too.
    ///
    /// - Throws: ``TransportError`` with `unavailable` when no server answers, or when they answer with an error;
    ///   `cancelled` at once when the task is cancelled.
    func ask(_ name: String, _ type: DNSRecordType) async throws(TransportError) -> DNSMessage

    /// What the machine says about names by itself, read anew.
    func localNames() async throws(TransportError) -> LocalNames
}
