internal import Synchronization

/// Something that happens once and that tasks wait for.
final class Signal: Sendable {
    private struct Storage {
        var hasBegun = false
        var hasFired = false
        var nextID = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let storage = Mutex(Storage())

    var hasFired: Bool { storage.withLock { $0.hasFired } }

    /// Whether somebody has taken on to fire it.
    var hasBegun: Bool { storage.withLock { $0.hasBegun } }

    /// Takes on to fire it.
    func begin() { storage.withLock { $0.hasBegun = true } }

    func fire() {
        let waiting = storage.withLock { storage in
            storage.hasFired = true
            defer { storage.waiting = [:] }
            return Array(storage.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns once the signal has fired.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    func wait() async throws {
        let id = storage.withLock { storage in
            storage.nextID += 1
            return storage.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = storage.withLock { storage in
                    // Asked under the lock: the cancellation handler removes only what it finds.
                    guard !storage.hasFired, !Task.isCancelled else { return true }
                    storage.waiting[id] = continuation
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            storage.withLock { $0.waiting.removeValue(forKey: id) }?.resume()
        }
        try Task.checkCancellation()
    }

    /// Waits if somebody has taken on to fire: a handler, unless the deadline of its call passed before it ran, as
    /// happens on a busy machine.
    func waitIfBegun() async throws {
        if hasBegun { try await wait() }
    }

    /// Waits for as long as the task is not cancelled, then fires and throws: what a handler does that is to be seen
    /// being cancelled.
    func fireWhenCancelled() async throws -> Never {
        begin()
        let never = Signal()
        do {
            try await never.wait()
        } catch {
            fire()
            throw error
        }
        throw ContractViolation("a signal fired that nobody fires")
    }
}

/// A number that several tasks count up.
final class Counter: Sendable {
    private let number = Mutex(0)

    var value: Int { number.withLock { $0 } }

    @discardableResult
    func add(_ amount: Int = 1) -> Int {
        number.withLock { number in
            number += amount
            return number
        }
    }
}

/// A list that several tasks append to.
final class Recorder<Element: Sendable>: Sendable {
    private let list = Mutex<[Element]>([])

    var elements: [Element] { list.withLock { $0 } }

    func append(_ element: Element) { list.withLock { $0.append(element) } }
}
