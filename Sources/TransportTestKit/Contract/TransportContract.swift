/// Every promise of `NodeTransport` as a case that a transport can be run through.
///
/// In a test target with Swift Testing:
///
/// ```swift
/// @Test(arguments: TransportContract.cases)
/// func keepsTheContract(_ contractCase: ContractCase) async throws {
///     try await contractCase.run(MyTransportUnderTest())
/// }
/// ```
public enum TransportContract {
    /// All cases, by topic.
    public static let cases: [ContractCase] = [
        shapes, messages, concurrency, backPressure, halfClose, cancellation, deadlines, handlerErrors, unknownMethods,
        metadata, cardinality, connections, shutdown, vanishing, interceptors, datagrams,
    ].flatMap { $0 }
}
