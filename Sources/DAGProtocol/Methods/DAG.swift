public import NodeTransport
internal import TransportProtobuf

/// The methods of `dag.DAGService`: submitting transactions and asking about them.
public enum DAG {
    /// Stores one transaction; the answer means that it is durable on that node.
    public static let submitTransaction = Method<Unary, TxRequest, TxResponse>(
        "dag.DAGService", "SubmitTransaction", request: .protobuf(), response: .protobuf(), isIdempotent: true)

    /// What a node knows of a transaction.
    public static let queryTransactionStatus = Method<Unary, StatusRequest, StatusResponse>(
        "dag.DAGService", "QueryTransactionStatus", request: .protobuf(), response: .protobuf(), isIdempotent: true)

    /// Stores many transactions on one stream, resumable behind the last acknowledgement.
    public static let submitTransactionStream = Method<Bidirectional, SubmitStreamRequest, SubmitStreamResponse>(
        "dag.DAGService", "SubmitTransactionStream", request: .protobuf(), response: .protobuf())
}
