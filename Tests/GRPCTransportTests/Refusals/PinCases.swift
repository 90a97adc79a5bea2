/// Chains that are sound and yet refused, because the peer is not one of those that were named.
extension RefusalCase {
    // Pins go here, one case for each way to miss one.
    static let pins: [RefusalCase] = []
}
