import NodeTransport
import Testing

@testable import TransportTLS

/// What is remembered of accepted peers, and what it may never answer for.
@Suite struct VerdictCacheTests {
    private let authority: Authority
    private let chain: [Bytes]

    init() throws {
        authority = try Authority()
        chain = try authority.identity("node-b").chain
    }

    private func policy(_ trust: Trust) throws -> TLSPolicy {
        try TLSPolicy(TLSConfiguration(identity: nil, trust: trust), role: .client)
    }

    private func accepted(_ verdict: TLSPolicy.Verdict) -> CertificateVerifier.Acceptance? {
        if case .accepted(let acceptance) = verdict { acceptance } else { nil }
    }

    private func refusal(_ verdict: TLSPolicy.Verdict) -> TLSError.Code? {
        if case .refused(let error, _) = verdict { error.code } else { nil }
    }

    @Test func `a peer that comes again is accepted as the same`() throws {
        let policy = try policy(authority.trust)
        let first = try #require(accepted(policy.judge(chain, host: "node-b", now: .now)))
        let second = try #require(accepted(policy.judge(chain, host: "node-b", now: .now)))
        #expect(second.peer == first.peer && second.validity == first.validity)
    }

    @Test func `an accepted chain is refused when it has expired, and before it is valid`() throws {
        let policy = try policy(authority.trust)
        #expect(accepted(policy.judge(chain, host: "node-b", now: .now)) != nil)
        let (late, early) = (WallTime.now.adding(days: 100_000), WallTime.now.adding(days: -100_000))
        #expect(refusal(policy.judge(chain, host: "node-b", now: late)) == .expired)
        #expect(refusal(policy.judge(chain, host: "node-b", now: early)) == .notYetValid)
    }

    @Test func `an accepted chain is refused under another name`() throws {
        let policy = try policy(authority.trust)
        #expect(accepted(policy.judge(chain, host: "node-b", now: .now)) != nil)
        #expect(refusal(policy.judge(chain, host: "node-c", now: .now)) != nil)
        #expect(accepted(policy.judge(chain, host: "node-b", now: .now)) != nil)
    }

    @Test func `a chain that differs in one byte is judged anew`() throws {
        let policy = try policy(authority.trust)
        #expect(accepted(policy.judge(chain, host: "node-b", now: .now)) != nil)
        var der = Array(chain[0])
        der[der.count - 1] ^= 1
        #expect(refusal(policy.judge([Bytes(der)], host: "node-b", now: .now)) == .badSignature)
    }

    @Test func `other trust knows nothing of it`() throws {
        let friend = try policy(authority.trust)
        #expect(accepted(friend.judge(chain, host: "node-b", now: .now)) != nil)
        let stranger = try policy(Authority("Stranger").trust)
        #expect(refusal(stranger.judge(chain, host: "node-b", now: .now)) != nil)
    }

    @Test func `a finding of an audit is there each time`() throws {
        let other = try #require(Fingerprint(bytes: Bytes([UInt8](repeating: 1, count: 32))))
        let policy = try policy(authority.trust.pinning([.certificate(other)], mode: .audit))
        for _ in 0..<2 {
            let acceptance = try #require(accepted(policy.judge(chain, host: "node-b", now: .now)))
            #expect(acceptance.finding?.code == .pinMismatch)
        }
    }

    @Test func `it forgets the first when it is full, and keeps no chain that is too long`() throws {
        let cache = VerdictCache()
        let policy = try policy(authority.trust)
        let acceptance = try #require(accepted(policy.judge(chain, host: "node-b", now: .now)))
        func question(_ number: Int) -> VerdictCache.Question {
            VerdictCache.Question(chain: chain, expectedName: .dns("node-\(number)"))
        }
        for number in 0...VerdictCache.maximumCount { cache.keep(acceptance, for: question(number)) }
        #expect(cache.count == VerdictCache.maximumCount)
        #expect(cache.acceptance(question(0), now: .now) == nil)
        #expect(cache.acceptance(question(1), now: .now) != nil)

        let long = VerdictCache.Question(
            chain: [Bytes([UInt8](repeating: 0, count: VerdictCache.maximumChainBytes + 1))], expectedName: nil)
        cache.keep(acceptance, for: long)
        #expect(cache.acceptance(long, now: .now) == nil)
    }
}
