internal import Testing

@testable internal import bench_runner

@Suite struct ProfilingTests {
    private static let script = """
        loop-0 
        \t    7f00aa write (/usr/lib/x86_64-linux-gnu/libc.so.6)
        \t    55aa01 $s4main5flushyyF (/home/x/transport-bench)
        \t    55aa02 thread_main (/home/x/transport-bench)

        loop-0 
        \tffffffff81 do_syscall_64 ([kernel.kallsyms])
        \t    7f00bb [unknown] (/usr/lib/x86_64-linux-gnu/libgnutls.so.30)
        \t    7f00cc [unknown] (/usr/lib/x86_64-linux-gnu/libgnutls.so.30)
        \t    55aa02 thread_main (/home/x/transport-bench)
        \t         0 [unknown] ([unknown])

        loop-0 
        \t    7f00aa write (/usr/lib/x86_64-linux-gnu/libc.so.6)
        \t    55aa01 $s4main5flushyyF (/home/x/transport-bench)
        \t    55aa02 thread_main (/home/x/transport-bench)

        something else that is no stack

        """

    @Test func equalStacksAreCountedTogetherTheOutermostFunctionFirst() {
        let stacks = Stacks(perfScript: Self.script)
        #expect(stacks.total == 3)
        #expect(
            stacks.folded == """
                thread_main;$s4main5flushyyF;write 2
                thread_main;[libgnutls.so.30];do_syscall_64 1

                """)
    }

    @Test func theBinaryOfAFunctionIsKnown() {
        let frames = Set(Stacks(perfScript: Self.script).counts.keys.joined())
        #expect(frames.contains(.init(function: "do_syscall_64", binary: "[kernel]")))
        #expect(frames.contains(.init(function: "write", binary: "libc.so.6")))
    }

    @Test func theHottestFunctionsAreThoseThatRan() {
        let hottest = Stacks(perfScript: Self.script).hottest
        #expect(hottest.map(\.frame.function) == ["write", "do_syscall_64"])
        #expect(hottest.map(\.count) == [2, 1])
    }

    @Test func stacksThatAreTheSameByTheirReadableNamesAreOne() {
        let script = """
            a 
            \t 1 f1 (/x)

            a 
            \t 1 f2 (/x)

            """
        let stacks = Stacks(perfScript: script).renamed(["f1": "f()", "f2": "f()"])
        #expect(stacks.folded == "f() 2\n")
        #expect(stacks.total == 2)
    }

    @Test(arguments: ["", "\n\n", "a\n", "a \n\t x (y)\n", "a \n\t 12 f\n", "a \n\t 12 (x)\n\n"])
    func whatIsNoStackIsPassedOver(_ text: String) { #expect(Stacks(perfScript: text).total <= 1) }

    @Test(arguments: [
        ("(1) await resume partial function for closure #1 in A.b()", "closure #1 in A.b() (resumed)"),
        ("specialized A.b(_:)", "A.b(_:)"), ("A.b", "A.b"),
        ("(2) suspend resume partial function for specialized A.b()", "A.b() (resumed)"),
    ])
    func howTheCompilerMadeAFunctionIsLeftOut(name: String, short: String) {
        #expect(SymbolNames.shortened(name) == short)
    }

    @Test func theGraphHasABarForEachFunctionAndEscapesNames() {
        let script = "a \n\t 1 f<A> (/x)\n\t 2 main (/x)\n\na \n\t 2 main (/x)\n\n"
        let svg = FlameGraph(title: "a & b", stacks: Stacks(perfScript: script)).svg
        #expect(svg.contains("<title>main [x]: 100.0 %, 2 samples</title>"))
        #expect(svg.contains("<title>f&lt;A&gt; [x]: 50.0 %, 1 samples</title>"))
        #expect(svg.contains("a &amp; b: 2 samples"))
        #expect(svg.ranges(of: "<g>").count == 3, "all, main and f")
        #expect(FlameGraph(title: "", stacks: Stacks(perfScript: "")).svg.hasSuffix("</svg>\n"))
    }
}
