/// No call ended in the time that was measured, which is a failure of nobody.
struct TooSlow: Error, CustomStringConvertible {
    let seconds: Double
    var description: String { "no call ended within \(shown(seconds)) s" }
}

/// A program that does not do what it was asked for.
struct NotSupported: Error, CustomStringConvertible {
    let description: String

    init(_ complaint: String) { description = complaint.isEmpty ? "it does not do this" : complaint }
}

/// A program did not do its work, and why.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
