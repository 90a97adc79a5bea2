internal import Foundation

/// Measures all works, contestants in turns: A B A B, so that what disturbs one disturbs the other. Works that a goal
/// compares with each other take turns too.
struct Contest {
    /// The rate of an open loop, as a share of what the slowest contestant does in a closed one.
    private static let share = 0.6

    let contestants: [Contestant]
    let certificates: Certificates
    let folder: URL
    let level: Work.Level
    let rounds: Int
    let seconds: Double
    /// Calls a second of open loops; nil takes a share of the slowest.
    let rate: Double?

    /// A contestant at one work.
    private struct Player {
        let work: Work
        /// Of an open loop.
        let rate: Double?
        let contestant: Contestant
        var server: Server
        var entry: Entry
        var isOut = false
    }

    func run(_ works: [Work], into results: inout Results) {
        let groups = Goals.groups(works)
        var progress = RunProgress(estimates: groups.map { $0.map(estimate).reduce(0, +) })
        for group in groups {
            Progress.say(progress.line(group.map(\.id).joined(separator: ", ")))
            let began = ProcessInfo.processInfo.systemUptime
            measure(group, into: &results)
            progress.ended(seconds: ProcessInfo.processInfo.systemUptime - began)
        }
        Children.shared.stayIfEnding()
        Progress.clear()
    }

    private func estimate(_ work: Work) -> Double {
        Estimate.seconds(
            work, contestants.filter { $0.isMeant(for: work) && $0.reasonToSkip(work, level: level) == nil },
            rounds: rounds, seconds: seconds)
    }

    private func measure(_ works: [Work], into results: inout Results) {
        var players: [Player] = []
        defer { for player in players { player.server.child.end() } }
        for work in works { players += enter(work, &results) }
        for number in 1...rounds {
            for index in players.indices where !players[index].isOut {
                let (work, name) = (players[index].work, players[index].contestant.name)
                Progress.say("\(work.id): round \(number) of \(rounds): \(name)", transient: true)
                do {
                    // What an earlier round has left in the allocator would make connections look free.
                    if work.kind == .idle, number > 1 {
                        players[index].server.child.end()
                        players[index].server = try start(players[index].contestant, work)
                    }
                    try play(&players[index])
                } catch {
                    players[index].isOut = true
                    if error is TooSlow || error is NotSupported {
                        results.skipped.append(Skipped(work: work.id, contestant: name, reason: "\(error)"))
                    } else {
                        fail(&players[index].entry, error)
                    }
                }
            }
        }
        results.entries += players.map(\.entry).filter { !$0.rounds.isEmpty || $0.failure != nil }
    }

    /// Starts the servers of those that take part.
    private func enter(_ work: Work, _ results: inout Results) -> [Player] {
        let names = contestants.filter { $0.isMeant(for: work) && $0.reasonToSkip(work, level: level) == nil }.map(
            \.name)
        let rate = openRate(work, names, results)
        var players: [Player] = []
        for contestant in contestants where contestant.isMeant(for: work) {
            if let reason = contestant.reasonToSkip(work, level: level) {
                results.skipped.append(Skipped(work: work.id, contestant: contestant.name, reason: reason))
                continue
            }
            var entry = Entry(work: work, contestant: contestant.name)
            do {
                players.append(
                    Player(
                        work: work, rate: rate, contestant: contestant, server: try start(contestant, work),
                        entry: entry))
            } catch {
                fail(&entry, error)
                results.entries.append(entry)
            }
        }
        return players
    }

    private func fail(_ entry: inout Entry, _ error: any Error) {
        Children.shared.stayIfEnding()
        entry.failure = "\(error)"
        Progress.complain("\(entry.contestant) \(entry.work.id): \(error)")
    }

    /// One round; a longer one when no call ends in the time of the others, as large messages on many streams take.
    private func play(_ player: inout Player) throws {
        let work = player.work
        let file = folder.appendingPathComponent("histogram")
        try? FileManager.default.removeItem(at: file)
        while true {
            let length = player.entry.longerSeconds ?? seconds
            do {
                let round = Round(
                    work: work, contestant: player.contestant, server: player.server, certificates: certificates,
                    folder: folder, seconds: length, rate: player.rate, histogram: work.kind == .open ? file : nil)
                player.entry.rounds.append(try round.measure())
                break
            } catch let error as TooSlow {
                guard let longer = Self.longer(than: length, asked: seconds) else { throw error }
                player.entry.longerSeconds = longer
                Progress.say("\(work.id): \(player.contestant.name): \(error), now \(shown(longer)) s")
            }
        }
        if work.kind == .open, let text = try? String(contentsOf: file, encoding: .utf8) {
            player.entry.histogram = ProgramLine.histogram(text)
        }
    }

    /// How long a round is to be after one in which no call ended; nil when more is not worth it.
    static func longer(than length: Double, asked: Double) -> Double? {
        let longer = length * 4
        return longer <= max(asked * 16, 2) * 1.001 ? longer : nil
    }

    private func start(_ contestant: Contestant, _ work: Work) throws -> Server {
        try Server(contestant, wire: work.wire, certificates: certificates, folder: folder)
    }

    /// What everybody can keep up with, by the closed loop with as many calls at a time. Without figures of that, a
    /// thousand calls a second.
    private func openRate(_ work: Work, _ names: [String], _ results: Results) -> Double? {
        guard work.kind == .open else { return nil }
        if let rate { return rate }
        let closed = "\(work.wire):unary:\(Work.shownSize(work.size ?? 64)):c\(work.concurrency)"
        let slowest = names.compactMap { results.spread(.rate, closed, $0)?.median }.min()
        return (slowest.map { $0 * Self.share } ?? 1000).rounded()
    }
}
