import EventLoops

/// Registers `probe` for `descriptor`.
func watch(_ descriptor: Int32, _ events: LoopEvents, _ probe: Probe, _ loop: EventLoop) async throws {
    try await loop.perform {
        probe.registration = try loop.add(descriptor: descriptor, events: events, handler: probe)
    }
}

/// Ends what ``watch(_:_:_:_:)`` began.
func unwatch(_ descriptor: Int32, _ probe: Probe, _ loop: EventLoop) async throws {
    try await loop.perform { probe.registration.map { loop.remove($0, descriptor: descriptor) } }
}

/// The first events that the loop reports for `descriptor`.
func firstEvents(of descriptor: Int32, _ events: LoopEvents, _ loop: EventLoop) async throws -> LoopEvents {
    let (stream, continuation) = AsyncStream.makeStream(of: LoopEvents.self)
    let probe = Probe(onEvents: { probe, events in
        probe.registration.map { loop.remove($0, descriptor: descriptor) }
        continuation.yield(events)
    })
    try await watch(descriptor, events, probe, loop)
    var seen = stream.makeAsyncIterator()
    return await seen.next() ?? []
}

/// Has the peer send a byte, and answers what the loop reports.
@discardableResult
func readableEvent(of pair: SocketPair, on loop: EventLoop) async throws -> LoopEvents {
    pair.send()
    let events = try await firstEvents(of: pair.near, .readable, loop)
    pair.drainNear()
    return events
}
