internal import Testing

@testable internal import bench_runner

@Suite struct EstimateTests {
    @Test(arguments: [
        (0.0, "less than a minute"), (29, "less than a minute"), (31, "about 1 minute"), (840, "about 14 minutes"),
    ])
    func minutes(_ seconds: Double, _ text: String) { #expect(Estimate.shown(seconds) == text) }

    @Test func moreContestantsRoundsAndTimeTakeLonger() throws {
        let work = try #require(Plan.works.first { $0.id == "grpc:unary:64B:c1" })
        let ours = Contestant(name: Contestant.ours, version: "", pairs: [])
        let slow = Contestant(name: "grpcio", version: "", pairs: [])
        let one = Estimate.seconds(work, [ours], rounds: 3, seconds: 1)
        #expect(one > 3.6 && one < 6)
        #expect(Estimate.seconds(work, [ours, ours], rounds: 3, seconds: 1) == 2 * one)
        #expect(Estimate.seconds(work, [slow], rounds: 3, seconds: 1) > one)
        #expect(Estimate.seconds(work, [ours], rounds: 4, seconds: 1) > one)
        #expect(Estimate.seconds(work, [ours], rounds: 3, seconds: 2) > one + 3)
        #expect(Estimate.seconds(work, [], rounds: 3, seconds: 1) == 0)
    }

    @Test func idleConnectionsTakeASecondAtLeast() throws {
        let work = try #require(Plan.works.first { $0.id == "grpc:idle:n1000" })
        let ours = Contestant(name: Contestant.ours, version: "", pairs: [])
        #expect(Estimate.seconds(work, [ours], rounds: 1, seconds: 0.1) > 1.2)
    }

    @Test func whatIsLeftFollowsWhatWasTaken() {
        var progress = RunProgress(estimates: [10, 20, 60])
        #expect(progress.left == 90)
        #expect(progress.line("a") == "[1/3] a  (about 2 minutes left)")
        progress.ended(seconds: 20)
        #expect(progress.left == 80, "the first few say little")
        progress.ended(seconds: 40)
        #expect(progress.left == 120, "twice as long as thought")
        progress.ended(seconds: 60)
        #expect(progress.left == 0)
    }

    @Test func aShortBeginningSaysNothingOfTheRest() {
        var progress = RunProgress(estimates: [1, 100])
        progress.ended(seconds: 10)
        #expect(progress.left == 100)
        #expect(RunProgress(estimates: []).left == 0)
    }

    @Test func roundsGetLongerUpToABound() {
        #expect(Contest.longer(than: 0.5, asked: 0.5) == 2)
        #expect(Contest.longer(than: 2, asked: 0.5) == 8)
        #expect(Contest.longer(than: 8, asked: 0.5) == nil)
        #expect(Contest.longer(than: 0.4, asked: 0.1) == 1.6, "a moment is too short for large messages")
        #expect(Contest.longer(than: 1.6, asked: 0.1) == nil)
    }

    @Test func theStackTakesPartWhereItIsMeantTo() throws {
        let single = Contestant(name: "gtls", version: "", pairs: ["h3:get"])
        let stack = Contestant(name: Contestant.resilient, version: "", pairs: ["grpc:unary", "grpc:bulk"])
        let ours = Contestant(name: Contestant.ours, version: "", pairs: ["grpc:unary", "grpc:bulk"])
        #expect(stack.callOptions == ["--resilient"] && ours.callOptions.isEmpty)
        func work(_ id: String) throws -> Work { try #require(Plan.works.first { $0.id == id }) }
        let plain = try work("grpc:unary:64B:c100")
        let other = try work("grpc:bulk:c1")
        let foreign = try work("quic:unary:64B:c100")
        #expect(stack.isMeant(for: plain) && ours.isMeant(for: plain))
        #expect(!stack.isMeant(for: other) && ours.isMeant(for: other))
        #expect(!stack.isMeant(for: foreign) && !ours.isMeant(for: foreign))
        let get = try work("h3:get:64B:c100")
        let unary = try work("h3:unary:64B:c100")
        #expect(single.isMeant(for: get) && !single.isMeant(for: unary))
        #expect(ours.reasonToSkip(try work("grpc:ping-pong:c1"), level: .standard) == "does not know grpc:ping-pong")
    }
}
