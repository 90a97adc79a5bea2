internal import CCAres
internal import NodeTransport

/// c-ares with its sockets; used by one thread. It alone has the handle, and frees it once.
@safe struct DNSChannel: ~Copyable {
    enum Answer {
        case message([UInt8])
        /// For people.
        case failure(String)
    }

    private let handle: OpaquePointer

    private init(_ handle: OpaquePointer) { unsafe self.handle = handle }

    deinit { unsafe ccares_free(handle) }

    static func make(_ configuration: DNSConfiguration) throws(TransportError) -> DNSChannel {
        let servers = configuration.servers?.map(\.authority).joined(separator: ",")
        let milliseconds = Int32(min(max(configuration.queryTimeout / .milliseconds(1), 1), 60_000))
        var status: Int32 = 0
        let handle = unsafe configuration.settingsFile.withCString { settings in
            guard let servers else {
                return unsafe ccares_new(nil, settings, milliseconds, Int32(configuration.tries), &status)
            }
            return unsafe servers.withCString {
                unsafe ccares_new($0, settings, milliseconds, Int32(configuration.tries), &status)
            }
        }
        guard let handle = unsafe handle else {
            throw DNSClient.failure("DNS cannot be asked: \(Self.message(status))")
        }
        return unsafe DNSChannel(handle)
    }

    var wakeDescriptor: Int32 { unsafe ccares_wake_descriptor(handle) }

    /// Asks; returns whether there was memory for it.
    func ask(_ id: UInt64, _ name: String, _ type: DNSRecordType) -> Bool {
        unsafe name.withCString { unsafe ccares_ask(handle, id, $0, Int32(type.rawValue)) }
    }

    /// Waits until something has come or somebody wakes the thread.
    func run() { unsafe ccares_run(handle, 60_000) }

    func takeAnswer() -> (id: UInt64, Answer)? {
        var answer = unsafe ccares_answer()
        guard unsafe ccares_take(handle, &answer) else { return nil }
        defer { unsafe ccares_release(&answer) }
        let id = unsafe answer.id
        let status = unsafe answer.status
        guard ccares_is_answer(status), let bytes = unsafe answer.bytes else {
            return (id, .failure(Self.message(status)))
        }
        return (id, .message(unsafe Array(UnsafeBufferPointer(start: bytes, count: answer.count))))
    }

    private static func message(_ status: Int32) -> String {
        if ccares_is_timeout(status) { return "no server answered" }
        if ccares_is_refused(status) { return "the servers cannot be reached, or answer with an error" }
        return unsafe String(cString: ccares_message(status))
    }
}
