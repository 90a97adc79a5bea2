internal import NodeTransport
internal import Synchronization

/// A transport whose connections are channels.
final class BalancedTransport: Transport {
    private struct Storage {
        var isOpen = true
        var channels: [ObjectIdentifier: ChannelCore] = [:]
    }

    private let base: any Transport
    private let balancer: Balancer
    private let resolver: any Resolver
    private let configuration: ChannelConfiguration
    private let observer: ResilienceObserver?
    private let clock: AnyContinuousClock
    private let seed: @Sendable () -> UInt64
    private let storage = Mutex(Storage())

    init(
        base: any Transport, balancer: Balancer, resolver: any Resolver, configuration: ChannelConfiguration,
        observer: ResilienceObserver?, clock: AnyContinuousClock,
        seed: @escaping @Sendable () -> UInt64 = { .random(in: .min ... .max) }
    ) {
        self.base = base
        self.balancer = balancer
        self.resolver = resolver
        self.configuration = configuration
        self.observer = observer
        self.clock = clock
        self.seed = seed
    }

    func connect(to endpoint: Endpoint) async throws -> any Connection {
        let core = ChannelCore(
            target: endpoint, base: base, balancer: balancer, configuration: configuration, observer: observer,
            clock: clock, seed: seed())
        let isOpen = storage.withLock { storage in
            guard storage.isOpen else { return false }
            storage.channels = storage.channels.filter { !$0.value.states.state.isClosed }
            storage.channels[ObjectIdentifier(core)] = core
            return true
        }
        guard isOpen else {
            throw TransportError(.failedPrecondition, "the transport was shut down", processing: .notProcessed)
        }
        core.start(resolver)
        guard !configuration.connectsLazily else { return Channel(core) }
        do {
            try await core.waitUntilReady()
        } catch {
            await core.close(within: .zero)
            throw error
        }
        return Channel(core)
    }

    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        try await base.listen(on: endpoint, serving: table)
    }

    func shutdown(within grace: Duration) async {
        let channels = storage.withLock { storage in
            storage.isOpen = false
            defer { storage.channels = [:] }
            return Array(storage.channels.values)
        }
        await withDiscardingTaskGroup { group in
            for channel in channels { group.addTask { await channel.close(within: grace) } }
            group.addTask { [base] in await base.shutdown(within: grace) }
        }
    }
}
