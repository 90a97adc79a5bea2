import Foundation
import Testing

@testable import DAGProtocol

@Suite("Buckets and their digests")
struct BucketTests {
    private func hash(_ text: String) -> Hash256 { Hash256(hashing: Data(text.utf8)) }

    @Test func `The order of addition does not matter`() {
        let hashes = (0..<50).map { hash("\($0)") }
        var forward = BucketSum.empty
        var backward = BucketSum.empty
        for hash in hashes { forward.add(hash) }
        for hash in hashes.reversed() { backward.add(hash) }
        #expect(forward == backward)
        #expect(forward.count == 50)
        backward.add(hash("one more"))
        #expect(forward != backward)
    }

    @Test func `Addition carries over all 256 bits`() throws {
        let ones = try #require(Hash256(bytes: [UInt8](repeating: 0xff, count: 32)))
        let one = try #require(Hash256(bytes: [UInt8](repeating: 0, count: 31) + [1]))
        var sum = BucketSum(count: 1, sum: ones)
        sum.add(one)
        #expect(sum.sum == .zero)
        let low = try #require(
            Hash256(bytes: [UInt8](repeating: 0, count: 16) + [UInt8](repeating: 0xff, count: 16)))
        sum = BucketSum(count: 1, sum: low)
        sum.add(one)
        #expect(sum.sum.description == String(repeating: "0", count: 31) + "1" + String(repeating: "0", count: 32))
    }

    @Test func `A key is the time window and then the hash`() throws {
        let hash = try #require(Hash256(bytes: [0xaa, 0xbb, 0xcc] + [UInt8](repeating: 0, count: 29)))
        let key = BucketKey(timestamp: Timestamp(microseconds: 5 << 24 | 123), contentHash: hash)
        #expect(key.value == 5 << 24 | 0xaabbcc)
        #expect(key.prefix(0) == .root)
        #expect(key.prefix(5).data == Data([0, 0, 0, 0, 5]))
        #expect(key.prefix(7).data == Data([0, 0, 0, 0, 5, 0xaa, 0xbb]))
    }

    @Test func `A prefix has the keys that begin with it`() throws {
        let prefix = try BucketPrefix(data: Data([1, 2]))
        #expect(prefix.keys == 0x0102_0000_0000_0000...0x0102_ffff_ffff_ffff)
        #expect(BucketPrefix.root.keys == 0...UInt64.max)
        #expect(try prefix.contains(BucketPrefix(data: Data([1, 2, 3]))))
        #expect(try !prefix.contains(BucketPrefix(data: Data([1, 3, 3]))))
        #expect(try !prefix.contains(BucketPrefix(data: Data([1]))))
        #expect(BucketPrefix.root.contains(prefix))
    }

    @Test func `A prefix of more than seven bytes is refused`() {
        #expect(throws: InvalidField.self) { try BucketPrefix(data: Data(count: 8)) }
    }

    @Test func `A digest off the wire is checked`() throws {
        let sum = BucketSum(count: 3, sum: hash("x"))
        var digest = BucketDigest(try BucketPrefix(data: Data([1])), sum)
        #expect(try digest.parts().sum == sum)
        digest.sum = Data(count: 31)
        #expect(throws: InvalidField.self) { try digest.parts() }
    }
}
