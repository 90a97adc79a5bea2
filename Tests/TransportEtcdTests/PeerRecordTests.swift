import Foundation
import NodeTransport
import Testing
import TransportResilience

@testable import TransportEtcd

@Suite("Records of peers")
struct PeerRecordTests {
    @Test func areWhatOthersWrite() throws {
        let peer = ResolvedPeer(try Endpoint(parsing: "quic://10.0.0.1:443"), weight: 3, priority: 1)
        let json = try PeerRecord(peer).json()
        #expect(
            String(decoding: json, as: UTF8.self)
                == #"{"Addr":"10.0.0.1:443","Metadata":{"priority":1,"scheme":"quic","weight":3}}"#)
        #expect(try PeerRecord(json: json).peer(defaultScheme: .grpc) == peer)
    }

    @Test(
        "of other software are understood",
        arguments: [
            (#"{"Op":0,"Addr":"10.0.0.1:443","Metadata":null}"#, "grpc://10.0.0.1:443"),
            (#"{"Addr":"[::1]:443"}"#, "grpc://[::1]:443"),
            (#"{"Addr":"quic://node.example:443"}"#, "quic://node.example:443"),
            (#"{"Addr":"10.0.0.1:443","Metadata":"whatever"}"#, "grpc://10.0.0.1:443"),
            (#"{"Addr":"10.0.0.1:443","Metadata":{"weight":"heavy"}}"#, "grpc://10.0.0.1:443"),
        ])
    func foreign(json: String, endpoint: String) throws {
        #expect(try PeerRecord(json: Data(json.utf8)).peer(defaultScheme: .grpc).endpoint.description == endpoint)
    }

    @Test(
        "that are none are refused with a reason",
        arguments: [
            ("", "it is not a peer's record"), ("[]", "it is not a peer's record"), ("{}", "it is not a peer's record"),
            (#"{"Addr":1}"#, "it is not a peer's record"), (#"{"Addr":"nowhere"}"#, "needs a port"),
            (#"{"Addr":"10.0.0.1:443","Metadata":{"scheme":"ftp"}}"#, "unknown scheme \"ftp\""),
        ])
    func bad(json: String, reason: String) {
        let error = #expect(throws: TransportError.self) {
            try PeerRecord(json: Data(json.utf8)).peer(defaultScheme: .grpc)
        }
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
    }

    @Test func aPrefixEndsBeforeTheNextKey() {
        #expect(EtcdClient.end(ofPrefix: Data("a/".utf8)) == Data("a0".utf8))
        #expect(EtcdClient.end(ofPrefix: Data([0x61, 0xff])) == Data([0x62]))
        #expect(EtcdClient.end(ofPrefix: Data([0xff, 0xff])) == Data([0]))
    }
}
