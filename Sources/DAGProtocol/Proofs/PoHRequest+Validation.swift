internal import Crypto
public import FoundationEssentials

extension PoHRequest {
    /// How many bytes a nonce has.
    public static let nonceBytes = 32

    /// How far the asker's clock may be from the holder's.
    public static let maximumClockDifference: Duration = .seconds(300)

    /// A question for the payload of the transaction `id` with a new random nonce.
    public init(transaction id: String, now: Timestamp) {
        self.init()
        txID = id
        nonce = Data.random(count: Self.nonceBytes)
        askedAt = now.microseconds
    }

    /// The transaction it asks about.
    ///
    /// - Throws: ``InvalidField`` when a field is wrong or the question is too old.
    public func validatedTransactionID(now: Timestamp) throws(InvalidField) -> String {
        guard nonce.count == Self.nonceBytes else {
            throw InvalidField("nonce", "\(nonce.count) bytes instead of \(Self.nonceBytes)")
        }
        let age = now.duration(since: Timestamp(microseconds: askedAt))
        guard age <= Self.maximumClockDifference, age >= .zero - Self.maximumClockDifference else {
            throw InvalidField("asked_at", "\(askedAt) µs is \(age.components.seconds) s from this node's clock")
        }
        guard case .txID(let id)? = subject else { throw InvalidField("tx_id", "is missing") }
        try Transaction.checkID("tx_id", id)
        return id
    }

    /// HMAC-SHA256 over `payload` with the nonce as the key: what only someone who has the payload now can make.
    public func proof(of payload: Data) -> Data {
        Data(HMAC<SHA256>.authenticationCode(for: payload, using: SymmetricKey(data: nonce)))
    }

    /// The kind and the id of what it asks about, as they are hashed.
    var subjectFields: (kind: String, id: String) {
        switch subject {
        case .txID(let id)?: ("tx_id", id)
        case .fragmentID(let id)?: ("fragment_id", id)
        case nil: ("", "")
        }
    }
}
