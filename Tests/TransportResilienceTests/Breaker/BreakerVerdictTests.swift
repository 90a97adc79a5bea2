import NodeTransport
import Testing

@testable import TransportResilience

@Suite("What a call's end says about the peer")
struct BreakerVerdictTests {
    private func verdict(_ error: any Error, _ state: ConnectionState? = .ready) -> BreakerVerdict {
        BreakerVerdict(of: error, .default, state)
    }

    @Test("Each code, of each origin")
    func codes() {
        for number in 1...16 {
            let code = StatusCode(rawValue: number)
            let isFailure = [.unavailable, .internal, .unknown, .deadlineExceeded].contains(code)
            let remote = verdict(TransportError(code, "x", origin: .remote))
            let library = verdict(TransportError(code, "x", origin: .library))
            let local = verdict(TransportError(code, "x", origin: .local))
            if code == .cancelled {
                #expect([remote, library, local] == [.neither, .neither, .neither])
            } else {
                #expect(remote == (isFailure ? .failure : .success), "\(code)")
                #expect(library == (isFailure ? .failure : .neither), "\(code)")
                #expect(local == (code == .deadlineExceeded ? .failure : .neither), "\(code)")
            }
        }
    }

    @Test func aDeadlineThatHadPassedBeforeSaysNothing() {
        #expect(verdict(TransportError(.deadlineExceeded, "x", processing: .notProcessed)) == .neither)
    }

    @Test func errorsOfOtherTypesSayNothing() {
        #expect(verdict(CancellationError()) == .neither)
    }

    @Test func aConnectionThatIsOverSaysNothingNew() {
        let refused = TransportError(.unavailable, "x", origin: .library, processing: .notProcessed)
        let lost = TransportError(.unavailable, "x", origin: .library)
        #expect(verdict(refused, .draining("x")) == .neither)
        #expect(verdict(refused, .closed(lost)) == .neither)
        #expect(verdict(lost, .closed(lost)) == .failure)
        #expect(verdict(lost, .closed(nil)) == .neither, "this side has closed it")
        #expect(verdict(refused, .ready) == .failure, "a peer that refuses streams")
        #expect(verdict(refused, nil) == .failure, "a peer that cannot be reached")
    }

    @Test func thePredicateDecides() {
        let policy = BreakerPolicy { $0.code == .resourceExhausted }
        let full = TransportError(.resourceExhausted, "x", origin: .remote)
        #expect(BreakerVerdict(of: full, policy, .ready) == .failure)
        #expect(BreakerVerdict(of: TransportError(.unavailable, "x", origin: .remote), policy, .ready) == .success)
    }
}
