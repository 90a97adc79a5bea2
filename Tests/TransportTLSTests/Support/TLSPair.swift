import NodeTransport
import TransportTLS

/// One end of a connection in memory: a session, what it received, and how it ended.
final class TLSEnd {
    let session: TLSSession
    private(set) var received: [UInt8] = []
    private(set) var isComplete = false
    private(set) var isClosed = false
    private(set) var error: TLSError?

    init(_ session: TLSSession) {
        self.session = session
    }

    /// The first step of a client; does nothing more than that for a server.
    func start() {
        attempt { () throws(TLSError) in try self.advance() }
    }

    func write(_ bytes: [UInt8]) {
        attempt { () throws(TLSError) in
            var result: Result<Void, TLSError> = .success(())
            unsafe bytes.withUnsafeBytes { buffer in
                do throws(TLSError) { try unsafe self.session.write(buffer) } catch { result = .failure(error) }
            }
            try result.get()
        }
    }

    /// Takes ciphertext without a copy, goes on with the handshake and reads all there is.
    func receive(_ bytes: UnsafeRawBufferPointer) {
        attempt { () throws(TLSError) in
            try unsafe self.session.receive(bytes) { () throws(TLSError) in
                try self.advance()
                if self.isComplete { try self.readAll() }
            }
        }
    }

    /// All ciphertext that waits.
    func takeOutput(atMost limit: Int = .max) -> [UInt8] {
        var taken: [UInt8] = []
        unsafe session.withOutput { buffer in
            taken = unsafe Array(buffer.prefix(limit))
            return taken.count
        }
        return taken
    }

    private func advance() throws(TLSError) {
        isComplete = try session.advanceHandshake() == .complete
    }

    private func readAll() throws(TLSError) {
        var room = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            var result: Result<TLSSession.Read, TLSError> = .success(.wouldBlock)
            unsafe room.withUnsafeMutableBytes { buffer in
                do throws(TLSError) {
                    result = .success(try unsafe session.read(into: buffer))
                } catch {
                    result = .failure(error)
                }
            }
            switch try result.get() {
            case .bytes(let count): received += room[..<count]
            case .wouldBlock: return
            case .closed:
                isClosed = true
                return
            }
        }
    }

    private func attempt(_ body: () throws(TLSError) -> Void) {
        do throws(TLSError) { try body() } catch { self.error = self.error ?? error }
    }
}

/// A client and a server over memory.
struct TLSPair {
    let client: TLSEnd
    let server: TLSEnd

    init(client: TLSContext, server: TLSContext, host: String? = "node-b", now: WallTime = .now) throws {
        self.client = TLSEnd(try TLSSession(context: client, host: host, server: host, now: now))
        self.server = TLSEnd(try TLSSession(context: server, now: now))
    }

    init(client: TLSConfiguration, server: TLSConfiguration, host: String? = "node-b", now: WallTime = .now) throws {
        try self.init(
            client: TLSContext(client, role: .client),
            server: TLSContext(server, role: .server),
            host: host,
            now: now
        )
    }

    /// Moves ciphertext both ways, `chunkBytes` at a time, until neither side has any.
    func exchange(chunkBytes: Int = .max) {
        client.start()
        var isBusy = true
        while isBusy {
            isBusy = false
            for (from, to) in [(client, server), (server, client)] {
                let bytes = from.takeOutput()
                guard !bytes.isEmpty else { continue }
                isBusy = true
                for start in stride(from: 0, to: bytes.count, by: min(chunkBytes, bytes.count)) {
                    let end = min(bytes.count - start, chunkBytes) + start
                    unsafe bytes[start..<end].withUnsafeBytes { unsafe to.receive($0) }
                }
            }
        }
    }
}
