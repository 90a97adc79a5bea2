internal import NodeTransport
internal import TransportProtobuf

/// The methods of etcd's API, version 3, that are used here.
///
/// Only reading is idempotent: a put whose answer is lost may have happened, and what follows is for the caller to decide.
enum EtcdMethods {
    static let range = Method<Unary, EtcdRangeRequest, EtcdRangeResponse>(
        "etcdserverpb.KV", "Range", request: .protobuf(), response: .protobuf(), isIdempotent: true)
    static let put = Method<Unary, EtcdPutRequest, EtcdPutResponse>(
        "etcdserverpb.KV", "Put", request: .protobuf(), response: .protobuf())
    static let deleteRange = Method<Unary, EtcdDeleteRangeRequest, EtcdDeleteRangeResponse>(
        "etcdserverpb.KV", "DeleteRange", request: .protobuf(), response: .protobuf())
    static let watch = Method<Bidirectional, EtcdWatchRequest, EtcdWatchResponse>(
        "etcdserverpb.Watch", "Watch", request: .protobuf(), response: .protobuf())
    static let leaseGrant = Method<Unary, EtcdLeaseGrantRequest, EtcdLeaseGrantResponse>(
        "etcdserverpb.Lease", "LeaseGrant", request: .protobuf(), response: .protobuf())
    static let leaseRevoke = Method<Unary, EtcdLeaseRevokeRequest, EtcdLeaseRevokeResponse>(
        "etcdserverpb.Lease", "LeaseRevoke", request: .protobuf(), response: .protobuf())
    static let leaseKeepAlive = Method<Bidirectional, EtcdLeaseKeepAliveRequest, EtcdLeaseKeepAliveResponse>(
        "etcdserverpb.Lease", "LeaseKeepAlive", request: .protobuf(), response: .protobuf())
    static let authenticate = Method<Unary, EtcdAuthenticateRequest, EtcdAuthenticateResponse>(
        "etcdserverpb.Auth", "Authenticate", request: .protobuf(), response: .protobuf())
}
