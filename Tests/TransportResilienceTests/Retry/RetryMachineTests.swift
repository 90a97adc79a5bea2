import NodeTransport
import Testing

@testable import TransportResilience

@Suite("The retry machine")
struct RetryMachineTests {
    private struct Busy: Error {}
    private static let now = ContinuousClock.now

    private func machine(
        _ policy: RetryPolicy = RetryPolicy(backoff: Backoff(jitter: .none)), isIdempotent: Bool = true,
        deadline: Duration? = nil
    ) -> RetryMachine {
        RetryMachine(
            policy: policy, isIdempotent: isIdempotent, deadline: deadline.map { Deadline(Self.now.advanced(by: $0)) })
    }

    private func decide(_ machine: inout RetryMachine, _ error: any Error, chance: Double = 0.5)
        -> RetryMachine.Decision
    {
        machine.failed(with: error, now: Self.now, chance: chance)
    }

    @Test("Each code by default, of each origin, idempotent or not, processed or not")
    func everyCombination() {
        for code in 1...16 {
            for origin in [TransportError.Origin.local, .remote, .library] {
                for isIdempotent in [true, false] {
                    for processing in [TransportError.Processing.unknown, .notProcessed] {
                        let code = StatusCode(rawValue: code)
                        let error = TransportError(code, "x", origin: origin, processing: processing)
                        var machine = machine(isIdempotent: isIdempotent)
                        let decision = decide(&machine, error, chance: 0.999_999_999)
                        let isRetryable =
                            [.unavailable, .deadlineExceeded].contains(code)
                            || (code == .resourceExhausted && origin != .local)
                        switch (isRetryable, isIdempotent || processing == .notProcessed) {
                        case (false, _): #expect(decision == .giveUp(.notRetryable), "\(code) \(origin)")
                        case (true, false): #expect(decision == .giveUp(.mayHaveBeenProcessed), "\(code) \(origin)")
                        case (true, true):
                            guard case .retry(let delay) = decision else {
                                Issue.record("\(code) \(origin) is not retried")
                                continue
                            }
                            let least: Duration = code == .resourceExhausted ? .milliseconds(999) : .milliseconds(99)
                            #expect(delay >= least)
                        }
                    }
                }
            }
        }
    }

    @Test func attemptsAreCounted() {
        var machine = machine()
        let error = TransportError(.unavailable, "x")
        for (attempt, milliseconds) in [(1, 100), (2, 200), (3, 400), (4, 800)] {
            #expect(machine.attempt == attempt)
            #expect(decide(&machine, error) == .retry(after: .milliseconds(milliseconds)))
        }
        #expect(machine.attempt == 5)
        #expect(decide(&machine, error) == .giveUp(.attemptsUsedUp))
    }

    @Test func cancellationIsNeverRetried() {
        var machine = machine(RetryPolicy(retryable: [RetryableErrors { _ in true }]))
        #expect(decide(&machine, CancellationError()) == .giveUp(.cancelled))
    }

    @Test func theFirstClassThatMatchesGivesTheDelay() {
        let policy = RetryPolicy(
            backoff: .constant(.seconds(9)),
            retryable: [
                .type(Busy.self, backoff: .constant(.milliseconds(20))),
                .codes([.aborted], backoff: .constant(.milliseconds(30))),
                RetryableErrors { ($0 as? TransportError)?.message == "odd" },
            ])
        var machine = machine(policy)
        #expect(decide(&machine, Busy()) == .retry(after: .milliseconds(20)))
        #expect(decide(&machine, TransportError(.aborted, "odd")) == .retry(after: .milliseconds(30)))
        #expect(decide(&machine, TransportError(.internal, "odd")) == .retry(after: .seconds(9)))
        #expect(decide(&machine, TransportError(.internal, "even")) == .giveUp(.notRetryable))
    }

    @Test("An error that is not a transport's is retried only where the operation is idempotent")
    func otherErrors() {
        let policy = RetryPolicy(retryable: [.type(Busy.self)])
        var machine = machine(policy, isIdempotent: false)
        #expect(decide(&machine, Busy()) == .giveUp(.mayHaveBeenProcessed))
    }

    @Test(
        "The server's push-back is obeyed",
        arguments: [
            ("0", RetryMachine.Decision.retry(after: .zero)), ("1500", .retry(after: .milliseconds(1500))),
            ("60000", .retry(after: .seconds(60))), ("60001", .giveUp(.forbiddenByServer)),
            ("-1", .giveUp(.forbiddenByServer)), ("soon", .giveUp(.forbiddenByServer)),
            ("", .giveUp(.forbiddenByServer)), ("99999999999999999999", .giveUp(.forbiddenByServer)),
        ])
    func pushback(text: String, decision: RetryMachine.Decision) throws {
        var metadata = Metadata()
        try metadata.add("grpc-retry-pushback-ms", text)
        var machine = machine()
        #expect(decide(&machine, TransportError(.unavailable, "x", metadata: metadata)) == decision)
    }

    @Test func pushbackBeginsTheBackoffAnew() throws {
        var metadata = Metadata()
        try metadata.add("grpc-retry-pushback-ms", "7")
        var machine = machine()
        let plain = TransportError(.unavailable, "x")
        #expect(decide(&machine, plain) == .retry(after: .milliseconds(100)))
        #expect(decide(&machine, plain) == .retry(after: .milliseconds(200)))
        #expect(
            decide(&machine, TransportError(.unavailable, "x", metadata: metadata)) == .retry(after: .milliseconds(7)))
        #expect(decide(&machine, plain) == .retry(after: .milliseconds(100)))
    }

    @Test(arguments: [(101, true), (100, false), (50, false), (-1, false)])
    func noRetryBeginsAfterTheDeadline(milliseconds: Int, isRetried: Bool) {
        var machine = machine(deadline: .milliseconds(milliseconds))
        let decision = decide(&machine, TransportError(.unavailable, "x"))
        #expect(decision == (isRetried ? .retry(after: .milliseconds(100)) : .giveUp(.outOfTime)))
    }

    @Test(
        "Transparent retries: one, at once, for what the wire proves, and without counting", arguments: [true, false])
    func transparent(isIdempotent: Bool) {
        var machine = RetryMachine(
            policy: RetryPolicy(attempts: .once), isIdempotent: isIdempotent, deadline: nil,
            allowsTransparentRetry: true)
        #expect(decide(&machine, TransportError.refused) == .retryTransparently)
        #expect(machine.attempt == 1)
        #expect(decide(&machine, TransportError.refused) == .giveUp(.attemptsUsedUp))
    }

    @Test(
        "No transparent retry",
        arguments: [
            TransportError(.unavailable, "this side's", origin: .local, processing: .notProcessed),
            TransportError(.unavailable, "maybe processed", origin: .library),
            TransportError(.cancelled, "cancelled", origin: .library, processing: .notProcessed),
            TransportError.pushback("0"),
        ])
    func notTransparent(error: TransportError) {
        var machine = RetryMachine(
            policy: .default, isIdempotent: true, deadline: nil, allowsTransparentRetry: true)
        #expect(decide(&machine, error) != .retryTransparently)
    }

    @Test func noTransparentRetryAfterTheDeadline() {
        var machine = RetryMachine(
            policy: .default, isIdempotent: true, deadline: Deadline(Self.now), allowsTransparentRetry: true)
        #expect(decide(&machine, TransportError.refused) == .giveUp(.outOfTime))
    }
}
