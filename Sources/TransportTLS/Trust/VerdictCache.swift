internal import NodeTransport
internal import Synchronization

/// The chains that one verifier has accepted, so that a peer which connects again is not judged from the beginning.
///
/// A verdict depends on the chain, the name, the time and the trust. The first two are compared to the last byte, the
/// validity says how far the third goes, and whoever has another trust has another cache. That the peer has the key to
/// its certificate is proved in every handshake, by the TLS library.
final class VerdictCache: Sendable {
    /// Peers that are remembered; the one that was accepted first is forgotten first.
    static let maximumCount = 256
    /// A presented chain that is longer, in bytes, is judged each time.
    static let maximumChainBytes = 16_384

    struct Question: Hashable {
        /// As presented: DER, leaf first.
        var chain: [Bytes]
        var expectedName: ExpectedName?
    }

    private struct State {
        var answers: [Question: CertificateVerifier.Acceptance] = [:]
        var order: [Question] = []
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.answers.count } }

    /// How the question was answered before, if the answer still holds at `now`.
    func acceptance(_ question: Question, now: WallTime) -> CertificateVerifier.Acceptance? {
        guard let answer = state.withLock({ $0.answers[question] }), answer.validity.contains(now) else { return nil }
        return answer
    }

    func keep(_ acceptance: CertificateVerifier.Acceptance, for question: Question) {
        guard question.chain.reduce(0, { $0 + $1.count }) <= Self.maximumChainBytes else { return }
        state.withLock { state in
            guard state.answers.updateValue(acceptance, forKey: question) == nil else { return }
            state.order.append(question)
            guard state.order.count > Self.maximumCount else { return }
            state.answers[state.order.removeFirst()] = nil
        }
    }
}
