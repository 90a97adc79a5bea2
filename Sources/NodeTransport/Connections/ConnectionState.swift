internal import Synchronization

/// How a connection is doing.
public enum ConnectionState: Sendable {
    /// Being made: name look-up, handshakes.
    case connecting
    /// Calls can be made.
    case ready
    /// Calls in flight go on, new ones are refused; says why.
    case draining(String)
    /// Over. The error says why; `nil` after an orderly close by this side.
    case closed(TransportError?)

    /// Whether new calls can be made.
    public var isReady: Bool {
        if case .ready = self { true } else { false }
    }

    /// Whether it is over.
    public var isClosed: Bool {
        if case .closed = self { true } else { false }
    }
}

/// Holds a connection's state and tells observers of each change; for those who write transports.
public final class ConnectionStateSource: Sendable {
    private struct Storage {
        var state: ConnectionState
        var observers: [Int: AsyncStream<ConnectionState>.Continuation] = [:]
        var nextObserver = 0
    }

    private let storage: Mutex<Storage>

    public init(_ state: ConnectionState = .connecting) { storage = Mutex(Storage(state: state)) }

    public var state: ConnectionState { storage.withLock { $0.state } }

    /// Moves on to `state`; nothing follows ``ConnectionState/closed(_:)``.
    public func update(_ state: ConnectionState) {
        let observers = storage.withLock { storage -> [AsyncStream<ConnectionState>.Continuation] in
            guard !storage.state.isClosed else { return [] }
            storage.state = state
            defer { if state.isClosed { storage.observers.removeAll() } }
            return Array(storage.observers.values)
        }
        for observer in observers {
            observer.yield(state)
            if state.isClosed { observer.finish() }
        }
    }

    /// The state now and each change. A slow reader sees the latest eight.
    public func updates() -> AsyncStream<ConnectionState> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ConnectionState.self, bufferingPolicy: .bufferingNewest(8))
        let observer = storage.withLock { storage -> Int? in
            continuation.yield(storage.state)
            guard !storage.state.isClosed else { return nil }
            storage.nextObserver += 1
            storage.observers[storage.nextObserver] = continuation
            return storage.nextObserver
        }
        guard let observer else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.storage.withLock { _ = $0.observers.removeValue(forKey: observer) }
        }
        return stream
    }
}
