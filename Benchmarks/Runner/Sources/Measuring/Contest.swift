internal import Foundation

/// Measures all works, contestants in turns: A B A B, so that what disturbs one disturbs the other.
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

    func run(_ works: [Work], into results: inout Results) {
        for (index, work) in works.enumerated() {
            Progress.say("[\(index + 1)/\(works.count)] \(work.id)")
            measure(work, into: &results)
        }
        Children.shared.stayIfEnding()
        Progress.clear()
    }

    private func measure(_ work: Work, into results: inout Results) {
        var players: [(contestant: Contestant, server: Server, entry: Entry)] = []
        defer { for player in players { player.server.child.end() } }
        // That a program of another wire does not take part is no news.
        for contestant in contestants where contestant.knows(wire: work.wire) {
            if let reason = contestant.reasonToSkip(work, level: level) {
                results.skipped.append(Skipped(work: work.id, contestant: contestant.name, reason: reason))
                continue
            }
            do {
                players.append(
                    (contestant, try start(contestant, work), Entry(work: work, contestant: contestant.name)))
            } catch {
                Children.shared.stayIfEnding()
                let entry = Entry(work: work, contestant: contestant.name, failure: "\(error)")
                results.entries.append(entry)
                Progress.complain("\(contestant.name) \(work.id): \(error)")
            }
        }
        let rate = openRate(work, players.map(\.contestant.name), results)
        for number in 1...rounds {
            for index in players.indices where players[index].entry.failure == nil {
                let contestant = players[index].contestant
                Progress.say("\(work.id): round \(number) of \(rounds): \(contestant.name)", transient: true)
                let file = folder.appendingPathComponent("histogram")
                try? FileManager.default.removeItem(at: file)
                do {
                    // What an earlier round has left in the allocator would make connections look free.
                    if work.kind == .idle, number > 1 {
                        players[index].server.child.end()
                        players[index].server = try start(contestant, work)
                    }
                    let round = Round(
                        work: work, contestant: contestant, server: players[index].server, certificates: certificates,
                        folder: folder, seconds: seconds, rate: rate, histogram: work.kind == .open ? file : nil)
                    players[index].entry.rounds.append(try round.measure())
                    if work.kind == .open, let text = try? String(contentsOf: file, encoding: .utf8) {
                        players[index].entry.histogram = ProgramLine.histogram(text)
                    }
                } catch let error as TooSlow {
                    results.skipped.append(Skipped(work: work.id, contestant: contestant.name, reason: "\(error)"))
                } catch {
                    Children.shared.stayIfEnding()
                    players[index].entry.failure = "\(error)"
                    Progress.complain("\(contestant.name) \(work.id): \(error)")
                }
            }
        }
        results.entries += players.map(\.entry).filter { !$0.rounds.isEmpty || $0.failure != nil }
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
