extension SimulatedNetwork {
    /// How often the driver gives way before it believes that nothing happens any more.
    private static let quietRounds = 64
    /// How long the driver waits, in real time, for work that neither sleeps nor sends.
    private static let patience: Duration = .seconds(60)

    /// Runs asynchronous code that uses sockets and the clock of this network, and moves the time whenever the code
    /// has come to rest.
    ///
    /// Rest is guessed: nothing was sent, received or slept on for some rounds of yielding. Work that computes for long
    /// on another thread may find that more virtual time has passed than it would have needed. Nothing else may move the
    /// clock meanwhile.
    ///
    /// - Parameters:
    ///   - timeLimit: How much virtual time the body may take.
    ///   - body: It is cancelled when the time is over.
    /// - Returns: What `body` returned.
    /// - Throws: What `body` threw; ``SimulationError`` when the time is over, or when for a minute of real time nothing
    ///   is under way, nobody sleeps, and the body has not ended.
    public func drive<Result: Sendable>(
        timeLimit: Duration = .seconds(3_600), _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await self.moveTime(upTo: self.nanoseconds + timeLimit.simulatedNanoseconds)
                return nil
            }
            defer { group.cancelAll() }
            while let outcome = try await group.next() {
                if let outcome { return outcome }
            }
            throw CancellationError()
        }
    }

    /// Until the task is cancelled.
    private func moveTime(upTo end: Int64) async throws {
        var lastProgress = ContinuousClock.now
        var moment = Moment()
        while !Task.isCancelled {
            await rest()
            guard !Task.isCancelled else { return }
            if let next = nextEvent {
                guard next <= end else { throw error(.timeLimit) }
                step(to: next)
                guard moment.goesOn(at: nanoseconds) else { throw error(.livelock) }
                lastProgress = .now
            } else if lastProgress.duration(to: .now) > Self.patience {
                throw error(.stalled)
            }
        }
    }

    private func rest() async {
        var quiet = 0
        var last = (activity, clock.sleeperCount)
        while quiet < Self.quietRounds, !Task.isCancelled {
            await Task.yield()
            let current = (activity, clock.sleeperCount)
            quiet = current == last ? quiet + 1 : 0
            last = current
        }
    }
}
