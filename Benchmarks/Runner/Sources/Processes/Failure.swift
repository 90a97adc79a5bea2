/// No call ended in the time that was measured, which is a failure of nobody.
struct TooSlow: Error, CustomStringConvertible {
    var description: String { "no call ended in this time" }
}

/// A program did not do its work, and why.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
