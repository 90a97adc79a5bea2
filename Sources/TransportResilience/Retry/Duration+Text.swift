extension Duration {
    /// For people: `100 ms`.
    var inMilliseconds: String { "\(Int((self / .milliseconds(1)).rounded())) ms" }
}
