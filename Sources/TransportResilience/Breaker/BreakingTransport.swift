public import Logging
public import NodeTransport
internal import Synchronization

extension Transport {
    /// This transport with a circuit breaker for each endpoint: after too many failures, calls to it and connecting to it
    /// fail at once for a while, with `unavailable` and `notProcessed`.
    ///
    /// Unary calls count when they end, and so do streams; a stream that is the probe also counts as a success as soon as
    /// it has a message. That a connection could be made says nothing yet, that it could not is a failure by default;
    /// beneath a channel it should be none (``ResilienceProfile/isFailureOfCall``).
    ///
    /// Put it around a wire, beneath a channel or ``retrying(_:budgets:logger:clock:randomness:onEvent:)``: above a
    /// channel, one breaker would answer for all its peers.
    public func breaking(_ breakers: CircuitBreakers) -> some Transport {
        BreakingTransport(base: self, breakers: breakers)
    }

    /// This transport with a circuit breaker of its own for each endpoint; see ``breaking(_:)`` and ``CircuitBreakers``.
    public func breaking<C: Clock>(
        _ policy: BreakerPolicy = .default, logger: Logger? = nil, clock: C = ContinuousClock(),
        onEvent: ResilienceObserver? = nil
    ) -> some Transport where C.Instant == ContinuousClock.Instant {
        breaking(CircuitBreakers(policy, logger: logger, clock: clock, onEvent: onEvent))
    }
}

struct BreakingTransport<Base: Transport>: Transport {
    let base: Base
    let breakers: CircuitBreakers

    func connect(to endpoint: Endpoint) async throws -> any Connection {
        let breaker = breakers.breaker(for: endpoint)
        let ticket = try breaker.admit()
        do {
            let connection = try await base.connect(to: endpoint)
            breaker.ended(ticket, .neither)
            return BreakingConnection(base: connection, breaker: breaker)
        } catch {
            breaker.failed(ticket, error, nil)
            throw error
        }
    }

    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        try await base.listen(on: endpoint, serving: table)
    }

    func shutdown(within grace: Duration) async { await base.shutdown(within: grace) }
}

/// A connection whose calls go by its peer's breaker.
struct BreakingConnection: ConnectionWrapper {
    let base: any Connection
    let breaker: CircuitBreaker

    func unary(_ head: CallHead, _ request: Bytes) async throws -> UnaryReply {
        let ticket = try breaker.admit()
        do {
            let reply = try await base.unary(head, request)
            breaker.ended(ticket, .success)
            return reply
        } catch {
            breaker.failed(ticket, error, base.state)
            throw error
        }
    }

    func open(_ head: CallHead) async throws -> any ClientCall {
        let ticket = try breaker.admit()
        do {
            return BreakingCall(try await base.open(head), ticket, self)
        } catch {
            breaker.failed(ticket, error, base.state)
            throw error
        }
    }
}

/// A stream that tells its peer's breaker how it ended.
private final class BreakingCall: ClientCall {
    private let base: any ClientCall
    private let ticket: BreakerMachine.Ticket
    private let connection: BreakingConnection
    private let hasTold = Atomic(false)

    init(_ base: any ClientCall, _ ticket: BreakerMachine.Ticket, _ connection: BreakingConnection) {
        self.base = base
        self.ticket = ticket
        self.connection = connection
    }

    deinit { tell(.neither) }

    func send(_ message: Bytes) async throws {
        do { try await base.send(message) } catch { throw noted(error) }
    }

    func finishSending() async throws {
        do { try await base.finishSending() } catch { throw noted(error) }
    }

    func initialMetadata() async throws -> Metadata {
        do { return try await base.initialMetadata() } catch { throw noted(error) }
    }

    func receive() async throws -> Bytes? {
        do {
            let message = try await base.receive()
            if message == nil || ticket.isProbe { tell(.success) }
            return message
        } catch {
            tell(connection.breaker.verdict(of: error, connection.state), error as? TransportError)
            throw error
        }
    }

    var trailers: Metadata { base.trailers }

    func cancel() {
        tell(.neither)
        base.cancel()
    }

    /// A failure seen elsewhere than by the reader; anything else is left to the reader, who sees how the call ended.
    private func noted(_ error: any Error) -> any Error {
        let verdict = connection.breaker.verdict(of: error, connection.state)
        if verdict == .failure { tell(.failure, error as? TransportError) }
        return error
    }

    private func tell(_ verdict: BreakerVerdict, _ error: TransportError? = nil) {
        guard !hasTold.exchange(true, ordering: .relaxed) else { return }
        connection.breaker.ended(ticket, verdict, error)
    }
}
