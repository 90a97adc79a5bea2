internal import AllocationCount
internal import Glibc

/// Runs one path a number of times, so that whoever counts instructions or allocations of two runs of different length
/// gets those of one pass, without what starting costs. docs/performance.md says what each path is.
@main
enum ExactCounts {
    private static let usage = """
        usage: exact-counts list           the paths, each with how many passes are enough to count it
               exact-counts PATH PASSES    runs the path; prints how many allocations the process has made
        """

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments == ["list"] {
            for path in MeasuredPath.all { print("\(path.name)\t\(path.passes)") }
            return
        }
        guard arguments.count == 2, let path = MeasuredPath.all.first(where: { $0.name == arguments[0] }),
            let passes = Int(arguments[1]), (1...10_000_000).contains(passes)
        else { stop(usage, status: 64) }
        do {
            try path.run(passes)
        } catch {
            stop("\(path.name): \(error)", status: 1)
        }
        print("allocations=\(allocation_count())")
        // What ends with the process is not of interest, and threads still run.
        fflush(nil)
        _exit(0)
    }

    private static func stop(_ message: String, status: Int32) -> Never {
        let line = Array("\(message)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
        exit(status)
    }
}

/// Something that can be repeated.
struct MeasuredPath {
    let name: String
    /// How often it is to be repeated: enough that what starting costs more in one run than in another does not matter.
    let passes: Int
    let run: (Int) throws -> Void

    init(_ name: String, passes: Int = 2_000, run: @escaping (Int) throws -> Void) {
        self.name = name
        self.passes = passes
        self.run = run
    }

    static var all: [MeasuredPath] {
        var all = hpack + http2 + framing
        #if canImport(QUICTransport)
            all += http3 + quic
        #endif
        all += calls + servers + resilience
        #if canImport(QUICTransport)
            all += simulated
        #endif
        return all
    }
}

/// What did not go as it must for the figures to mean something.
struct Unexpected: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
