import CSystem
import EventLoops
import Glibc
import Testing

@Suite("Sockets of a loop", .timeLimit(.minutes(5)))
struct SocketTests {
    @Test func reportReadable() async throws {
        try await withLoop { loop in
            let pair = try SocketPair()
            let events = try await readableEvent(of: pair, on: loop)
            #expect(events == .readable)
        }
    }

    @Test func reportWritableOnceThereIsRoom() async throws {
        try await withLoop { loop in
            let pair = try SocketPair()
            pair.fill()
            let (events, continuation) = AsyncStream.makeStream(of: LoopEvents.self)
            let probe = Probe(onEvents: { continuation.yield($1) })
            try await watch(pair.near, .writable, probe, loop)
            // Turns go by without an event.
            for _ in 0..<5 { try await loop.perform {} }
            continuation.yield([])
            pair.drain()
            var seen = events.makeAsyncIterator()
            #expect(await seen.next() == [])
            #expect(await seen.next() == .writable)
            try await unwatch(pair.near, probe, loop)
        }
    }

    @Test func reportThatThePeerHasEndedItsSide() async throws {
        try await withLoop { loop in
            let pair = try SocketPair()
            pair.halfClose()
            let events = try await firstEvents(of: pair.near, [.readable, .peerClosed], loop)
            #expect(events == [.readable, .peerClosed])
        }
    }

    @Test func reportHangUpUnasked() async throws {
        try await withLoop { loop in
            let pair = try SocketPair()
            _ = shutdown(pair.near, Int32(SHUT_WR))
            pair.halfClose()
            let events = try await firstEvents(of: pair.near, [], loop)
            #expect(events == .hangup)
        }
    }

    @Test func reportOnlyWhatIsWatched() async throws {
        try await withLoop { loop in
            let pair = try SocketPair()
            let log = Log<LoopEvents>()
            let probe = Probe(onEvents: { log.append($1) })
            pair.send()
            try await watch(pair.near, [], probe, loop)
            for _ in 0..<5 { try await loop.perform {} }
            #expect(log.entries.isEmpty)
            let hasCome = Signal()
            try await loop.perform {
                probe.onEvents = { probe, events in
                    log.append(events)
                    hasCome.fire()
                    probe.registration.map { loop.modify($0, descriptor: pair.near, events: []) }
                }
                probe.registration.map { loop.modify($0, descriptor: pair.near, events: [.readable, .writable]) }
            }
            await hasCome.wait()
            for _ in 0..<5 { try await loop.perform {} }
            #expect(log.entries == [[.readable, .writable]])
            try await unwatch(pair.near, probe, loop)
        }
    }

    @Test("A registration that a handler of the same batch removes gets no event", arguments: [false, true])
    func removedInTheSameBatch(isSlotTakenAgain: Bool) async throws {
        try await withLoop { loop in
            let (one, two, idle) = (try SocketPair(), try SocketPair(), try SocketPair())
            let (log, isOver) = (Log<Int32>(), Signal())
            let bystander = Probe(onEvents: { _, _ in log.append(-1) })
            try await loop.perform {
                let probes = [Probe(), Probe()]
                let descriptors = [one.near, two.near]
                for index in 0..<2 {
                    probes[index].onEvents = { [unowned other = probes[1 - index]] probe, _ in
                        log.append(descriptors[index])
                        other.registration.map { loop.remove($0, descriptor: descriptors[1 - index]) }
                        if isSlotTakenAgain {
                            bystander.registration = try? loop.add(
                                descriptor: idle.near, events: .readable, handler: bystander)
                        }
                        // After the whole batch.
                        loop.scheduleFlush(Probe(onFlush: { _ in isOver.fire() }))
                        probe.registration.map { loop.remove($0, descriptor: descriptors[index]) }
                    }
                    probes[index].registration = try loop.add(
                        descriptor: descriptors[index], events: .readable, handler: probes[index])
                }
                // Both are ready before the kernel is asked again.
                one.send()
                two.send()
            }
            await isOver.wait()
            #expect(log.entries.count == 1 && log.entries.first != -1)
            try await unwatch(idle.near, bystander, loop)
        }
    }

    @Test func aRegistrationThatWasRemovedChangesNothingAnyMore() async throws {
        try await withLoop { loop in
            let pair = try SocketPair()
            let (events, continuation) = AsyncStream.makeStream(of: LoopEvents.self)
            let (before, after) = (Probe(), Probe(onEvents: { continuation.yield($1) }))
            try await watch(pair.near, .readable, before, loop)
            try await unwatch(pair.near, before, loop)
            try await watch(pair.near, .readable, after, loop)
            try await loop.perform {
                before.registration.map { loop.modify($0, descriptor: pair.near, events: .writable) }
                before.registration.map { loop.remove($0, descriptor: pair.near) }
            }
            pair.send()
            var seen = events.makeAsyncIterator()
            #expect(await seen.next() == .readable)
            try await unwatch(pair.near, after, loop)
        }
    }

    @Test("A handler that goes as it is removed may use the loop's registrations")
    func handlerUsesTheLoopAsItGoes() async throws {
        try await withLoop { loop in
            let (one, two) = (try SocketPair(), try SocketPair())
            let other = Probe()
            try await watch(two.near, .readable, other, loop)
            try await loop.perform {
                let registration = try loop.add(
                    descriptor: one.near, events: .readable,
                    handler: AtEnd { other.registration.map { loop.remove($0, descriptor: two.near) } })
                loop.remove(registration, descriptor: one.near)
            }
            let events = try await readableEvent(of: two, on: loop)
            #expect(events == .readable)
        }
    }

    @Test func aDescriptorThatCannotBeWatchedIsRefusedWithTheReason() async throws {
        try await withLoop { loop in
            let error = await #expect(throws: LoopError.self) {
                try await loop.perform { _ = try loop.add(descriptor: -1, events: .readable, handler: Probe()) }
            }
            #expect(error?.errno == EBADF)
            #expect(error?.description == "epoll_ctl: Bad file descriptor")
            // Its place is free again.
            let events = try await readableEvent(of: try SocketPair(), on: loop)
            #expect(events == .readable)
        }
    }

    @Test func manySocketsAtOnceAllGetTheirEvents() async throws {
        try await withLoop { loop in
            // More than one batch.
            let pairs = try (0..<400).map { _ in try SocketPair() }
            try await withThrowingTaskGroup { group in
                for pair in pairs { group.addTask { try await readableEvent(of: pair, on: loop) } }
                for try await events in group { #expect(events == .readable) }
            }
        }
    }
}
