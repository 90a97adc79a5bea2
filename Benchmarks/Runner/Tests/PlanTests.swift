internal import Testing

@testable internal import bench_runner

@Suite struct PlanTests {
    @Test func eachWorkHasANameOfItsOwn() {
        #expect(Set(Plan.works.map(\.id)).count == Plan.works.count)
    }

    @Test func eachLevelHasWhatIsBeforeIt() throws {
        let quick = Set(try Plan.selected(.quick).map(\.id))
        let standard = Set(try Plan.selected(.standard).map(\.id))
        let full = Set(try Plan.selected(.full).map(\.id))
        #expect(!quick.isEmpty && quick.isStrictSubset(of: standard) && standard.isStrictSubset(of: full))
    }

    @Test func goalsAreAboutWorksThatExist() {
        let ids = Set(Plan.works.map(\.id))
        for goal in Goals.all {
            #expect(ids.contains(goal.measured.work), "\(goal.title)")
            if let reference = goal.reference {
                #expect(
                    ids.contains(reference.work) && Contestant.names.contains(reference.contestant), "\(goal.title)")
            }
        }
    }

    @Test func aQuickRunMeasuresTheGoals() throws {
        let quick = Set(try Plan.selected(.quick).map(\.id))
        for goal in Goals.all {
            #expect(quick.contains(goal.measured.work) && quick.contains(goal.reference?.work ?? goal.measured.work))
        }
    }

    @Test func worksThatAGoalComparesAreMeasuredTogether() throws {
        for level in Work.Level.allCases {
            let works = try Plan.selected(level)
            let groups = Goals.groups(works).map { $0.map(\.id) }
            #expect(groups.flatMap { $0 }.sorted() == works.map(\.id).sorted())
            for goal in Goals.all {
                guard let reference = goal.reference?.work else { continue }
                #expect(groups.contains { $0.contains(goal.measured.work) && $0.contains(reference) }, "\(goal.title)")
            }
            #expect(groups.contains(["grpc-tls:unary:64B:c100", "h3:unary:64B:c100"]))
            #expect(groups.contains(["quic:bulk:c1"]), "what no goal compares with another work is alone")
        }
    }

    @Test func goalsOfTheStackAreAboutWorksThatItTakesPartIn() {
        let stacked = Set(Plan.works.filter(\.hasStack).map(\.id))
        let goals = Goals.all.filter { $0.measured.contestant == Contestant.resilient }
        #expect(goals.count == 2 && goals.allSatisfy { stacked.contains($0.measured.work) })
    }

    @Test func aBroadcastIsOneCallToEachConnection() throws {
        let work = try #require(Plan.works.first { $0.id == "grpc:broadcast:n100" })
        #expect((work.concurrency, work.connections, work.pair) == (1, 100, "grpc:broadcast"))
    }

    @Test func eachContestantHasAColour() {
        #expect(Set(Contestant.names.map(Palette.color)).count == Contestant.names.count)
    }

    @Test func aPatternChoosesByName() throws {
        #expect(try Plan.selected(.full, only: "^quic:bulk").map(\.id) == ["quic:bulk:c1"])
        #expect(throws: (any Error).self) { try Plan.selected(.full, only: "(") }
    }

    @Test(arguments: [(64, "64B"), (1024, "1KiB"), (1500, "1500B"), (1 << 20, "1MiB")])
    func sizes(_ bytes: Int, _ text: String) { #expect(Work.shownSize(bytes) == text) }
}
