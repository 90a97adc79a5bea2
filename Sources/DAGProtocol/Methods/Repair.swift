public import NodeTransport
internal import TransportProtobuf

/// The methods of `repair.RepairService`: finding out what a node lacks, and getting it.
///
/// None is idempotent as it stands: the authorization in each request is good for one use.
public enum Repair {
    /// The digests of buckets and of their children.
    public static let compareBuckets = Method<Unary, CompareBucketsRequest, CompareBucketsResponse>(
        "repair.RepairService", "CompareBuckets", request: .protobuf(), response: .protobuf())

    /// The ids in a bucket, in pages.
    public static let listIds = Method<Unary, ListIdsRequest, ListIdsResponse>(
        "repair.RepairService", "ListIds", request: .protobuf(), response: .protobuf())

    /// Transactions by id.
    public static let fetchTransactions = Method<ServerStream, FetchTransactionsRequest, FetchTransactionsResponse>(
        "repair.RepairService", "FetchTransactions", request: .protobuf(), response: .protobuf())

    /// At most this many buckets in one comparison.
    public static let maximumComparedBuckets = 64
    /// At most this many ids in one page.
    public static let maximumListedIDs = 4096
    /// At most this many transactions in one request.
    public static let maximumFetchedIDs = 512
}
