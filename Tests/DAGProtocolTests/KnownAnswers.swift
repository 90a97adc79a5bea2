import DAGProtocol
import Foundation

/// Values that were computed with Python's hashlib and hmac from the layouts in Protos/README.md:
///
/// ```python
/// def field(b): return struct.pack('>Q', len(b)) + b
/// def num(n): return field(struct.pack('>q', n))
/// sha256(field(b'dag.Tx') + field(b'tx-1') + field(b'holder-a') + num(1700000000000000) + field(b'hello')
///        + num(2) + field(b'p-1') + field(b'p-2') + field(bytes(range(32)))).hexdigest()
/// ```
enum KnownAnswers {
    static let transactionHash = "d5d8f66bb0dbcdfc8ab5606f0ad37562018a2af35daacc3849b0f0210199ae50"
    static let emptyTransactionHash = "bc922335fadc27219b27ba236e3012003248ba51e772d43b0004f6c3c1ee3744"
    static let proof = "290af183d08286ae740dfed386724985dc666de6350a8df2e8520307ae2503ed"
    static let answerHash = "cd9eaa9cb3be7bfccc22cc7fc0fbc9171e1b53cb73fd354a68c63a717fbc41f6"
    static let authorizationHash = "12274fa124b3027b66743ef8e969a0e910cf899bcfce08e9c5f82f92be9fbdef"

    static let now = Timestamp(microseconds: 1_700_000_000_000_000)

    static var transaction: Tx {
        var message = Tx()
        message.txID = "tx-1"
        message.holderID = "holder-a"
        message.timestamp = 1_700_000_000_000_000
        message.payload = Data("hello".utf8)
        message.parentIds = ["p-1", "p-2"]
        message.publicKey = Data(0..<32)
        return message
    }
}
