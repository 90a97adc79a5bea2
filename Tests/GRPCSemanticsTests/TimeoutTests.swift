import GRPCSemantics
import Testing

@Suite("grpc-timeout")
struct TimeoutTests {
    /// Computed with Python's integers.
    @Test(arguments: [
        (Int64(-5), "1n"), (0, "1n"), (1, "1n"), (99_999_999, "99999999n"), (100_000_000, "100000u"),
        (100_000_001, "100001u"), (99_999_999_000, "99999999u"), (99_999_999_001, "100000m"),
        (1_000_000_000, "1000000u"), (2_000_000_000, "2000000u"), (99_999_999_000_000, "99999999m"),
        (99_999_999_000_001, "100000S"), (99_999_999_000_000_000, "99999999S"),
        (99_999_999_000_000_001, "1666667M"), (5_999_999_940_000_000_000, "99999999M"),
        (5_999_999_940_000_000_001, "1666667H"), (Int64.max, "2562048H"), (Int64.min, "1n"),
    ])
    func isRoundedUpToWhatEightDigitsCanSay(nanoseconds: Int64, text: String) {
        #expect(Timeout.encode(nanoseconds: nanoseconds) == text)
    }

    @Test(arguments: [
        ("1n", Int64(1)), ("99999999n", 99_999_999), ("1u", 1_000), ("1m", 1_000_000), ("1S", 1_000_000_000),
        ("1M", 60_000_000_000), ("1H", 3_600_000_000_000), ("0S", 0), ("00000001S", 1_000_000_000),
        ("99999999M", 5_999_999_940_000_000_000), ("2562047H", 9_223_369_200_000_000_000), ("2562048H", .max),
        ("99999999H", .max),
    ])
    func isReadInEveryUnit(text: String, nanoseconds: Int64) {
        #expect(Timeout.decode(text) == nanoseconds)
    }

    @Test(arguments: [
        "", "1", "S", "n", "123456789S", "999999999999999999999H", "-1S", "+1S", "1.5S", " 1S", "1S ", "1 S", "1s",
        "1h", "1N", "1U", "1x", "1mS", "1SS", "S1", "0x1S", "\u{661}S", "1é", "1\0", "\n1S",
    ])
    func whatIsMalformedIsRefused(text: String) {
        #expect(Timeout.decode(text) == nil)
    }

    @Test(arguments: [1, UInt64.random(in: 0 ... .max)])
    func neverComesBackShorterNorMuchLonger(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<10_000 {
            let magnitude = Int64.random(in: 0..<63, using: &random)
            let nanoseconds = max(Int64.random(in: 0 ... .max, using: &random) >> magnitude, 1)
            let text = Timeout.encode(nanoseconds: nanoseconds)
            #expect(text.utf8.count <= 9, "seed \(seed)")
            let decoded = try #require(Timeout.decode(text))
            // Hours follow 99,999,999 minutes, so the coarsest step is one part in 1.6 million.
            #expect(decoded >= nanoseconds, "seed \(seed): \(nanoseconds)")
            #expect(decoded - nanoseconds <= nanoseconds / 100_000, "seed \(seed): \(nanoseconds)")
        }
    }
}
