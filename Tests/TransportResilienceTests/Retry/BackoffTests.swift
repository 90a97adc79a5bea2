import NodeTransport
import Testing
import TransportResilience

@Suite("Back-off")
struct BackoffTests {
    @Test func delaysGrowUpToTheMaximum() {
        let backoff = Backoff(jitter: .none)
        let delays = (1...8).map { backoff.delay(beforeRetry: $0, chance: 0.5) / .milliseconds(1) }
        #expect(delays == [100, 200, 400, 800, 1600, 3200, 5000, 5000])
    }

    @Test(arguments: [(0.0, 0.0), (0.5, 50.0), (0.999, 99.9)])
    func fullJitterTakesAnythingUpToTheDelay(chance: Double, milliseconds: Double) {
        let delay = Backoff(jitter: .full).delay(beforeRetry: 1, chance: chance) / .milliseconds(1)
        #expect(abs(delay - milliseconds) < 0.001)
    }

    @Test(arguments: [(0.0, 80.0), (0.5, 100.0), (0.75, 110.0)])
    func fractionalJitterStaysNearTheDelay(chance: Double, milliseconds: Double) {
        let delay = Backoff(jitter: .fraction(0.2)).delay(beforeRetry: 1, chance: chance) / .milliseconds(1)
        #expect(abs(delay - milliseconds) < 0.001)
    }

    @Test("No values lead to a trap or to a negative delay")
    func strangeValues() {
        let durations: [Duration] = [.seconds(-1), .zero, .seconds(Int64.max / 2)]
        let numbers: [Double] = [-1, 0, 1, .infinity, -.infinity, .nan, .greatestFiniteMagnitude]
        let most = Duration.seconds(2 * 86_400)
        for initial in durations {
            for maximum in durations {
                for multiplier in numbers {
                    for fraction in numbers {
                        for jitter in [Backoff.Jitter.none, .full, .fraction(fraction)] {
                            let backoff = Backoff(
                                initialDelay: initial, multiplier: multiplier, maximumDelay: maximum, jitter: jitter)
                            for retry in [-1, 0, 1, 1000] {
                                for chance in numbers {
                                    let delay = backoff.delay(beforeRetry: retry, chance: chance)
                                    #expect(delay >= .zero && delay <= most)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: [0, -1, 1001, Int.min, Int.max])
    func attemptsOutOfRangeAreRefused(_ count: Int) {
        #expect(throws: TransportError.self) { try Attempts(count) }
    }

    @Test func attemptsInRangeAreKept() throws {
        #expect(try Attempts(1000).count == 1000)
        #expect(Attempts.once.count == 1)
        #expect(Attempts(retries: 255).count == 256)
    }
}
