internal import CCAres
internal import NodeTransport
internal import Synchronization

/// Asks DNS servers by c-ares, on a thread that is there while there are questions.
///
/// Each time the thread begins it reads the settings anew, so that a machine may change its network.
final class DNSClient: DNSQuerying {
    fileprivate enum Job {
        case question(String, DNSRecordType, CheckedContinuation<Result<DNSMessage, TransportError>, Never>)
        case localNames(CheckedContinuation<Result<LocalNames, TransportError>, Never>)
    }

    private struct Storage {
        var nextID: UInt64 = 0
        /// All that somebody waits for.
        var jobs: [UInt64: Job] = [:]
        /// Jobs that the thread has not begun, in order. Each has a task that waits for it, which bounds them.
        var line: [UInt64] = []
        var isRunning = false
        /// What wakes the thread, while it has sockets.
        var wakeDescriptor: Int32?
    }

    /// A message has 16 bits to tell questions apart; far fewer keep a guess unlikely. One that is cancelled keeps its
    /// place until it is answered or its time is over.
    private static let mostUnderWay = 1_024

    private let configuration: DNSConfiguration
    private let storage = Mutex(Storage())

    init(_ configuration: DNSConfiguration) { self.configuration = configuration }

    func ask(_ name: String, _ type: DNSRecordType) async throws(TransportError) -> DNSMessage {
        try await result { .question(name, type, $0) }
    }

    func localNames() async throws(TransportError) -> LocalNames { try await result { .localNames($0) } }

    private func result<Value: Sendable>(
        _ job: (CheckedContinuation<Result<Value, TransportError>, Never>) -> Job
    ) async throws(TransportError) -> Value {
        let id = storage.withLock { storage in
            storage.nextID += 1
            return storage.nextID
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = storage.withLock { storage in
                    // Asked under the lock: the cancellation handler removes only what it finds.
                    guard !Task.isCancelled else { return true }
                    storage.jobs[id] = job(continuation)
                    storage.line.append(id)
                    return false
                }
                if isCancelled { continuation.resume(returning: .failure(Self.cancelled)) } else { wake() }
            }
        } onCancel: {
            let job = storage.withLock { $0.jobs.removeValue(forKey: id) }
            job?.fail(Self.cancelled)
            wake()
        }
        return try result.get()
    }

    /// Lets the thread look at the jobs, or begins one.
    private func wake() {
        let starts = storage.withLock { storage in
            if let descriptor = storage.wakeDescriptor {
                // Under the lock: the thread takes the descriptor away before it closes it.
                ccares_wake(descriptor)
            }
            guard !storage.isRunning, !storage.jobs.isEmpty else { return false }
            storage.isRunning = true
            return true
        }
        guard starts else { return }
        // Sound: the thread takes the reference over, and is started once for each.
        let reference = unsafe Unmanaged.passRetained(self)
        let code = unsafe ccares_start_thread(
            { context in
                guard let context = unsafe context else { return }
                // Sound: it is the reference retained for this thread.
                unsafe Unmanaged<DNSClient>.fromOpaque(context).takeRetainedValue().run()
            }, reference.toOpaque())
        if code != 0 {
            unsafe reference.release()
            _ = endThread(failing: Self.failure("no thread could be started for DNS (errno \(code))"))
        }
    }

    // MARK: On the thread

    private func run() {
        let names = LocalNames(
            hosts: configuration.hostsFile.map(TextFile.read) ?? "",
            settings: TextFile.read(configuration.settingsFile))
        do throws(TransportError) {
            serve(try DNSChannel.make(configuration), names)
        } catch {
            _ = endThread(failing: error)
        }
    }

    /// Until nobody waits any longer.
    private func serve(_ channel: borrowing DNSChannel, _ names: LocalNames) {
        var underWay = 0
        storage.withLock { $0.wakeDescriptor = channel.wakeDescriptor }
        while true {
            // Both inner loops end: each job is begun once and answered once.
            for (id, job) in takeJobs(questionsAtMost: Self.mostUnderWay - underWay) {
                switch job {
                case .localNames: finish(id) { $0.give(names) }
                case .question(let name, let type, _):
                    if channel.ask(id, name, type) {
                        underWay += 1
                    } else {
                        finish(id) { $0.fail(Self.failure("no memory for a question to DNS")) }
                    }
                }
            }
            var hasAnswers = false
            while let (id, answer) = channel.takeAnswer() {
                hasAnswers = true
                underWay -= 1
                finish(id) { $0.give(answer) }
            }
            if endThread(failing: nil) { return }
            // An answer makes room for the next in line.
            if !hasAnswers { channel.run() }
        }
    }

    /// What needs no server, and as many questions as may begin.
    private func takeJobs(questionsAtMost limit: Int) -> [(UInt64, Job)] {
        storage.withLock { storage in
            var taken: [(UInt64, Job)] = []
            var questionCount = 0
            storage.line.removeAll { id in
                // Those cancelled in line are there no longer.
                guard let job = storage.jobs[id] else { return true }
                if case .question = job {
                    guard questionCount < limit else { return false }
                    questionCount += 1
                }
                taken.append((id, job))
                return true
            }
            return taken
        }
    }

    private func finish(_ id: UInt64, _ body: (Job) -> Void) {
        // Nothing when it was cancelled meanwhile.
        if let job = storage.withLock({ $0.jobs.removeValue(forKey: id) }) { body(job) }
    }

    /// Ends the thread when nobody waits any longer; those who do fail with `error`, where there is one.
    private func endThread(failing error: TransportError?) -> Bool {
        let (ends, failed) = storage.withLock { storage -> (Bool, [Job]) in
            guard error != nil || storage.jobs.isEmpty else { return (false, []) }
            let failed = Array(storage.jobs.values)
            storage.jobs = [:]
            storage.line = []
            storage.isRunning = false
            storage.wakeDescriptor = nil
            return (true, failed)
        }
        if let error { for job in failed { job.fail(error) } }
        return ends
    }

    static func failure(_ message: String) -> TransportError {
        TransportError(.unavailable, message, origin: .library, processing: .notProcessed)
    }

    private static var cancelled: TransportError {
        TransportError(.cancelled, "the look-up was cancelled", processing: .notProcessed)
    }
}

extension DNSClient.Job {
    fileprivate func fail(_ error: TransportError) {
        switch self {
        case .question(_, _, let continuation): continuation.resume(returning: .failure(error))
        case .localNames(let continuation): continuation.resume(returning: .failure(error))
        }
    }

    fileprivate func give(_ names: LocalNames) {
        if case .localNames(let continuation) = self { continuation.resume(returning: .success(names)) }
    }

    fileprivate func give(_ answer: DNSChannel.Answer) {
        guard case .question(let name, let type, let continuation) = self else { return }
        switch answer {
        case .message(let bytes):
            guard let message = DNSMessage(parsing: bytes) else {
                let error = DNSClient.failure("the DNS server's answer to \(type.name) \(name) is malformed")
                return continuation.resume(returning: .failure(error))
            }
            continuation.resume(returning: .success(message))
        case .failure(let reason):
            continuation.resume(returning: .failure(DNSClient.failure("DNS, \(type.name) \(name): \(reason)")))
        }
    }
}
