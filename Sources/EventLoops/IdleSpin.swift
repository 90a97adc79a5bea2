/// How long a loop that has nothing to do looks for events before it sleeps.
///
/// To sleep and to be woken costs a thread several microseconds of processor time, more in a virtual machine: where the
/// next event is nearer than that, to look for it costs no more and finds it sooner. As in the Linux kernel's halt polling
/// (Documentation/virt/kvm/halt-polling.rst), the waits before tell: several short ones in a row make the loop look,
/// a long one makes it sleep again. A loop that waits for long, or that has no processor of its own, does not look at all.
struct IdleSpin {
    /// The longest time to look for events, in nanoseconds; about twice what sleeping costs.
    static let longest: Int64 = 20_000
    /// A wait that took no longer would have been a good one to look for events, in nanoseconds; the waking is part of it.
    static let shortWait: Int64 = 30_000
    /// So many short waits in a row make another one likely. With fewer, calls that come ten at a time, whose waits are
    /// sometimes short, cost a fifth more processor time and gain nothing.
    static let shortWaitsBefore = 4
    /// One look and giving way to other threads take less, in nanoseconds, unless one of those ran.
    static let longestLook: Int64 = 5_000

    private var shortWaits = 0

    /// How long to look for events before the next sleep, in nanoseconds.
    var time: Int64 { shortWaits >= Self.shortWaitsBefore ? Self.longest : 0 }

    /// Notes that a wait ended in sleep, and how long it was in all, in nanoseconds.
    mutating func slept(_ wait: Int64) { shortWaits = wait > Self.shortWait ? 0 : shortWaits + 1 }

    /// Notes that another thread has had the processor meanwhile.
    mutating func gaveWay() { shortWaits = 0 }
}
