internal import Testing

@testable internal import bench_runner

@Suite struct ReportTests {
    private let goal = Goal(
        title: "", measured: .init(metric: .rate, work: "grpc:unary:64B:c1"),
        reference: .init(metric: .rate, work: "grpc:unary:64B:c1", contestant: "grpc-cpp"), bound: 1.5)

    private func results(_ ours: Double, _ theirs: Double) -> Results {
        Fixture.results([
            ("grpc:unary:64B:c1", "transport-bench", [.rate: ours]), ("grpc:unary:64B:c1", "grpc-cpp", [.rate: theirs]),
        ])
    }

    @Test func goalsAreMetFromTheirBoundOn() {
        #expect(goal.outcome(results(150, 100)) == .met(1.5))
        #expect(goal.outcome(results(140, 100)) == .notMet(1.4))
        #expect(goal.outcome(results(140, 0)) == .unknown("grpc-cpp grpc:unary:64B:c1"))
        #expect(goal.outcome(results(0, 100)) == .unknown("transport-bench grpc:unary:64B:c1, too short"))
        #expect(goal.outcome(Fixture.results([])) == .unknown("transport-bench grpc:unary:64B:c1"))
        var most = goal
        most.relation = .atMost
        #expect(most.outcome(results(150, 100)) == .met(1.5))
        #expect(most.outcome(results(160, 100)) == .notMet(1.6))
    }

    @Test func aFigureForManyIsComparedForEach() {
        let results = Fixture.results([
            ("grpc:broadcast:n100", "transport-bench", [.clientProcessor: 800]),
            ("grpc:broadcast:n8", "transport-bench", [.clientProcessor: 80]),
            ("grpc:unary:64B:c1", "transport-bench", [.clientProcessor: 10]),
        ])
        let goals = Goals.all.filter { $0.measured.work == "grpc:broadcast:n100" }
        #expect(
            goals.map { $0.outcome(results) } == [
                .met(0.8), .unknown("transport-bench grpc:scale:n100"), .met(0.8),
            ])
    }

    @Test(arguments: [
        (0.4213, "0.42"), (42.13, "42.1"), (999.6, "1,000"), (1_234_567, "1,234,567"), (-4321, "−4,321"),
    ])
    func numbers(_ value: Double, _ text: String) { #expect(shown(value) == text) }

    @Test func marksOfAnAxisAreShort() { #expect([1, 10, 0.5, 1000].map(shownTick) == ["1", "10", "0.50", "1,000"]) }

    @Test func whatIsNoNumberIsADash() { #expect([shown(nil), shown(.nan), shown(.infinity)] == ["–", "–", "–"]) }

    @Test func columnsAreAligned() {
        let table = TextTable(leftColumns: 1, rows: [["a", "b"], ["long", "1"], ["c", "200"]])
        #expect(table.text == "a       b\nlong    1\nc     200")
        #expect(table.markdown.hasPrefix("| a | b |\n| --- | ---: |\n| long | 1 |"))
    }

    @Test func axesMapTheirEndsToTheirPixels() {
        let even = Axis(values: [0, 7], pixels: (100, 800), isLogarithmic: false)
        #expect([0, 7, 3.5, 99, .infinity].map(even.position) == [100, 800, 450, 800, 800])
        #expect(even.ticks == [0, 1, 2, 3, 4, 5, 6, 7])
        let powers = Axis(values: [3, 500], pixels: (300, 0), isLogarithmic: true)
        #expect((powers.low, powers.high) == (1, 1000))
        #expect(powers.position(10) == 200 && powers.ticks == [1, 10, 100, 1000])
    }

    @Test(arguments: [[], [0], [-1, .nan], [5], [10, 10]] as [[Double]], [true, false])
    func axesOfOddValuesStayFinite(_ values: [Double], _ isLogarithmic: Bool) {
        let axis = Axis(values: values, pixels: (0, 100), isLogarithmic: isLogarithmic)
        for value in values + [0, 1] { #expect((0...100).contains(axis.position(value))) }
        #expect((1...12).contains(axis.ticks.count))
    }

    @Test func barsAreAsLongAsTheirShare() {
        let chart = BarChart(
            title: "t", unit: "/s",
            groups: [
                .init(
                    title: "g",
                    bars: [.init(name: "transport-bench", parts: [50, 50]), .init(name: "quinn", parts: [50])])
            ])
        #expect(chart.svg.components("width=\"265.0\"") == 3)
        #expect(chart.svg.contains("50.0 /s"))
    }

    @Test func thePageIsWholeAndEscaped() {
        var results = results(150, 100)
        results.commandLine = "bench --only '<x>'"
        let html = Page(results: results).html
        #expect(html.contains("a &lt;b&gt;") && html.contains("&lt;x&gt;") && !html.contains("<x>"))
        #expect(html.contains("<svg") && html.hasSuffix("</html>\n"))
        for foreign in ["http://", "https://", "src=", "@import"] { #expect(!html.contains(foreign)) }
    }
}

extension String {
    /// How often `text` is in it.
    fileprivate func components(_ text: String) -> Int { ranges(of: text).count }
}
