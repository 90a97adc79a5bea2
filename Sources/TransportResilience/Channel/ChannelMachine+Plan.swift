internal import NodeTransport

extension ChannelMachine {
    /// Starts, releases and chooses as the state asks for.
    mutating func settle(now: ContinuousClock.Instant, _ effects: inout Effects) {
        guard !isClosed else { return }
        let candidates = candidates(&effects)
        let chosen: [Int]
        if let delay = settings.attemptDelay {
            chosen = settleOne(candidates, delay, now, &effects)
        } else {
            chosen = settleAll(candidates, now, &effects)
        }
        if chosen != usable {
            usable = chosen
            effects.usableChanged = true
        }
        readiness = currentReadiness
    }

    /// The peers of the best priority among those that are ready, serve and are not ejected.
    mutating func candidates(_ effects: inout Effects) -> [Int] {
        let ready = peers.filter { $0.way.isReady && $0.isServing == true }
        var well = ready.filter { outliers?.isEjected($0.id) != true }
        if well.isEmpty, !ready.isEmpty {
            // Whoever answers badly is better than nobody.
            for peer in ready where outliers?.takeBack(peer.id) == true {
                tellReturn(of: peer.id, "no other peer is left", &effects)
            }
            well = ready
        }
        guard let best = well.first?.priority else { return [] }
        return well.filter { $0.priority == best }.map(\.id)
    }

    /// Connections to all peers of the best priority; to those of the next when of the better ones none is usable nor
    /// about to be.
    mutating func settleAll(_ candidates: [Int], _ now: ContinuousClock.Instant, _ effects: inout Effects)
        -> [Int]
    {
        let usedPriority = candidates.first.flatMap { peer($0)?.priority }
        var isWanted = true
        var room = settings.maximumAttempts - peers.count { $0.way.isConnecting }
        var start = peers.startIndex
        while start < peers.endIndex {
            let priority = peers[start].priority
            let end = peers[start...].firstIndex { $0.priority != priority } ?? peers.endIndex
            for index in start..<end {
                if isWanted {
                    if room > 0, begin(index, now, &effects) { room -= 1 }
                } else if let usedPriority, usedPriority < priority {
                    release(index, &effects)
                }
            }
            if priority == usedPriority || peers[start..<end].contains(where: { isPromising($0) }) { isWanted = false }
            start = end
        }
        return candidates
    }

    /// One connection: attempts in order, each with a head start; once there is one, only better priorities are tried.
    mutating func settleOne(
        _ candidates: [Int], _ delay: Duration, _ now: ContinuousClock.Instant, _ effects: inout Effects
    ) -> [Int] {
        // Stays with the one that it has.
        let chosen = usable.first.flatMap { candidates.contains($0) ? $0 : nil } ?? candidates.first
        if let chosen, let priority = peer(chosen)?.priority {
            lastStart = nil
            for index in peers.indices where peers[index].id != chosen {
                if peers[index].priority < priority {
                    begin(index, now, &effects)
                } else {
                    release(index, &effects)
                }
            }
            return [chosen]
        }
        for index in peers.indices where peers[index].way.isIdle {
            if let lastStart, lastStart.advanced(by: delay) > now, peers.contains(where: \.way.isConnecting) { break }
            begin(index, now, &effects)
            lastStart = now
        }
        return []
    }

    @discardableResult
    mutating func begin(_ index: Int, _ now: ContinuousClock.Instant, _ effects: inout Effects) -> Bool {
        guard peers[index].way.start(attempt: nextAttempt + 1, now: now) else { return false }
        nextAttempt += 1
        effects.starts.append(
            Start(peer: peers[index].id, attempt: nextAttempt, endpoint: peers[index].resolved.endpoint))
        return true
    }

    mutating func release(_ index: Int, _ effects: inout Effects) {
        guard peers[index].way.isConnecting || peers[index].way.isReady else { return }
        peers[index].way.release()
        peers[index].isServing = nil
        effects.releases.append(peers[index].id)
    }

    /// Whether a peer may become usable without having to fail first.
    func isPromising(_ peer: Peer) -> Bool {
        peer.way.isPromising || (peer.way.isReady && peer.isServing == nil)
    }

    var currentReadiness: Readiness {
        if !usable.isEmpty { return .ready }
        if peers.isEmpty {
            if let resolutionError { return .failing(resolutionError) }
            guard isResolved else { return .connecting }
            return .failing(
                TransportError(
                    .unavailable, "there are no peers behind \(settings.target)", origin: .library,
                    processing: .notProcessed, endpoint: settings.target))
        }
        if peers.contains(where: { isPromising($0) }) { return .connecting }
        let errors = peers.compactMap(\.way.lastError)
        guard peers.count > 1 || errors.isEmpty else { return .failing(errors[0]) }
        return .failing(
            TransportError(
                .unavailable, "none of \(peers.count) peers can be reached or serves", cause: errors.last,
                origin: .library, processing: .notProcessed, endpoint: settings.target))
    }
}
