public import NodeTransport
public import TransportResilience

/// How a ``DNSResolver`` asks, and how often. The initializer of the resolver brings each value into its range.
public struct DNSConfiguration: Sendable {
    /// Which addresses are asked for.
    public enum Families: Sendable, Hashable {
        case ipv4
        case ipv6
        case both
    }

    /// Whom the peers behind a service (SRV) have to prove to be.
    public enum ServiceIdentity: Sendable, Hashable {
        /// The domain that was asked for: `ledger.example` for `srv:///_ledger._tcp.ledger.example`. Whoever forges
        /// answers of DNS gains nothing (RFC 9525 §6.1).
        case domain
        /// The host that DNS names. Each peer needs a certificate for its own name only; but who forges answers
        /// chooses that name, so trust should be in few authorities or in pins, or the answers secured otherwise.
        case target
    }

    /// The servers to ask, as `udp://127.0.0.1:5353` with addresses; `nil` for those of ``settingsFile``.
    public var servers: [Endpoint]?

    /// Servers, `search`, `domain` and `options ndots:`; read before each burst of questions.
    public var settingsFile = "/etc/resolv.conf"

    /// Names that need no server; read before each burst of questions. `nil` for none.
    public var hostsFile: String? = "/etc/hosts"

    public var families = Families.both

    public var serviceIdentity = ServiceIdentity.domain

    /// How long a server may take at the first attempt; each further one waits twice as long. 1 ms...60 s.
    public var queryTimeout = Duration.seconds(1)

    /// How often each server is asked before the look-up fails. 1...10.
    public var tries = 3

    /// Between which times an answer is kept, whatever its time to live says. A low bound spares the servers, a high one
    /// lets a mistake in DNS pass.
    public var timeToLive: ClosedRange<Duration> = .seconds(5) ... .seconds(300)

    /// The shortest time from a look-up that succeeded to one that a channel asks for.
    public var minimumInterval = Duration.seconds(5)

    /// The time to the next look-up after one that failed.
    public var backoff = Backoff(
        initialDelay: .seconds(1), multiplier: 1.6, maximumDelay: .seconds(120), jitter: .fraction(0.2))

    /// How many peers are reported at most, the most preferred first. 1...10,000.
    public var maximumPeers = 1_000

    public init() {}

    /// The same with each value in its range.
    ///
    /// - Throws: ``TransportError`` with `invalidArgument` for a server that is no address with a port.
    func checked() throws(TransportError) -> DNSConfiguration {
        var checked = self
        for server in servers ?? [] {
            guard case .hostPort(let host, 1...) = server.address, !host.isName else {
                throw TransportError(
                    .invalidArgument, "a DNS server is given by an address, as in udp://127.0.0.1:53, not by \(server)")
            }
        }
        if servers?.isEmpty == true {
            throw TransportError(.invalidArgument, "without servers nothing can be looked up; nil means the system's")
        }
        checked.queryTimeout = min(max(queryTimeout, .milliseconds(1)), .seconds(60))
        checked.tries = min(max(tries, 1), 10)
        let day = Duration.seconds(86_400)
        let lower = min(max(timeToLive.lowerBound, .milliseconds(1)), day)
        checked.timeToLive = lower...max(min(timeToLive.upperBound, day), lower)
        checked.minimumInterval = min(max(minimumInterval, .milliseconds(1)), day)
        checked.maximumPeers = min(max(maximumPeers, 1), 10_000)
        return checked
    }
}
