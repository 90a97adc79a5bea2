internal import Foundation

/// What the figures were taken on.
struct Machine: Codable {
    var processor: String
    var cores: Int
    var kernel: String
    /// Processes that wanted a core in the minute before the run.
    var loadBefore: Double?

    static func current() -> Machine {
        func read(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
        let model = read("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }
        return Machine(
            processor: model?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown",
            cores: ProcessInfo.processInfo.activeProcessorCount,
            kernel: ProcessInfo.processInfo.operatingSystemVersionString + ", "
                + read("/proc/sys/kernel/osrelease").trimmingCharacters(in: .whitespacesAndNewlines),
            loadBefore: read("/proc/loadavg").split(separator: " ").first.flatMap { Double($0) })
    }

    /// Other programs ran: figures suffer, and ratios less so.
    var isBusy: Bool { (loadBefore ?? 0) > 0.5 }

    var description: String {
        let load = loadBefore.map { ", load \(shown($0)) before the run" + (isBusy ? " (busy)" : "") } ?? ""
        return "\(processor), \(cores) cores, \(kernel)\(load)"
    }
}
