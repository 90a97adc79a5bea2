internal import Foundation

/// What the kernel says of a process that somebody else wrote. Linux only; elsewhere nothing is known.
enum ProcessStatus {
    /// The processor time that it has taken, user and system, in µs. The kernel counts in steps of 10 ms.
    static func processorMicroseconds(_ pid: pid_t) -> Double? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return nil }
        return ticks(stat: text).map { Double($0) * 1e6 / Double(sysconf(Int32(_SC_CLK_TCK))) }
    }

    /// Memory in KiB: `VmRSS` is what it has now, `VmHWM` the most that it had.
    static func kibibytes(_ name: String, of pid: pid_t) -> Double? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return nil }
        return kibibytes(name, status: text)
    }

    /// utime + stime of a `stat` file. The name of the program, in parentheses, may have anything in it.
    static func ticks(stat: String) -> Int? {
        guard let name = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: name)...].split(separator: " ")
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return nil }
        return user + system
    }

    static func kibibytes(_ name: String, status: String) -> Double? {
        for line in status.split(separator: "\n") where line.hasPrefix(name + ":") {
            return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
        }
        return nil
    }
}
