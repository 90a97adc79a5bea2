internal import DAGStore

/// Links stored transactions into the DAG, behind the acknowledgement.
final class Linker: Sendable {
    /// How many transactions one pass examines: a pass shares its commit with submissions and must not hold them up.
    private static let passLimit = 512

    private let core: NodeCore
    private let signal = Signal()
    /// Told when transactions wait for parents that are not here.
    let parentsMissing = Signal()

    init(core: NodeCore) { self.core = core }

    /// Says that there is something new to link.
    func wake() { signal.send() }

    /// Runs until the task is cancelled.
    func run() async {
        wake()
        while await signal.wait() {
            do {
                try await linkAll()
            } catch {
                core.emit(.failed("linking", error))
            }
        }
    }

    private func linkAll() async throws {
        var hasWaiting = false
        while !Task.isCancelled {
            let result = try await core.store.linkPending(limit: Self.passLimit)
            if result.linked > 0 { core.emit(.linked(result.linked)) }
            if result.linked < result.examined { hasWaiting = true }
            if !result.hasMore { break }
        }
        if hasWaiting { parentsMissing.send() }
    }
}
