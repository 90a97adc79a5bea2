import TransportTLS

extension PKITSCase {
    /// Section 4.13: the number, whether the path is valid, and the authorities without `nameConstraints` before them.
    static let nameConstraints: [PKITSCase] = directoryNames + otherNames

    private static func constrained(
        _ number: Int,
        _ kind: String,
        _ isValid: Bool,
        _ authorities: String...
    ) -> PKITSCase {
        PKITSCase(
            "4.13.\(number)",
            "\(isValid ? "Valid" : "Invalid")\(kind)nameConstraintsTest\(number)",
            authorities.map { "nameConstraints\($0)" },
            isValid ? .valid : .invalid(.nameConstraint)
        )
    }

    private static let directoryNames = [
        constrained(1, "DN", true, "DN1CA"),
        constrained(2, "DN", false, "DN1CA"),
        constrained(3, "DN", false, "DN1CA"),
        constrained(4, "DN", true, "DN1CA"),
        constrained(5, "DN", true, "DN2CA"),
        constrained(6, "DN", true, "DN3CA"),
        constrained(7, "DN", false, "DN3CA"),
        constrained(8, "DN", false, "DN4CA"),
        constrained(9, "DN", false, "DN4CA"),
        constrained(10, "DN", false, "DN5CA"),
        constrained(11, "DN", true, "DN5CA"),
        constrained(12, "DN", false, "DN1CA", "DN1subCA1"),
        constrained(13, "DN", false, "DN1CA", "DN1subCA2"),
        constrained(14, "DN", true, "DN1CA", "DN1subCA2"),
        constrained(15, "DN", false, "DN3CA", "DN3subCA1"),
        constrained(16, "DN", false, "DN3CA", "DN3subCA1"),
        constrained(17, "DN", false, "DN3CA", "DN3subCA2"),
        constrained(18, "DN", true, "DN3CA", "DN3subCA2"),
        constrained(19, "DN", true, "DN1CA", "DN1SelfIssuedCA"),
        constrained(20, "DN", false, "DN1CA"),
    ]

    private static let otherNames = [
        constrained(21, "RFC822", true, "RFC822CA1"),
        constrained(22, "RFC822", false, "RFC822CA1"),
        constrained(23, "RFC822", true, "RFC822CA2"),
        constrained(24, "RFC822", false, "RFC822CA2"),
        constrained(25, "RFC822", true, "RFC822CA3"),
        constrained(26, "RFC822", false, "RFC822CA3"),
        constrained(27, "DNandRFC822", true, "DN1CA", "DN1subCA3"),
        constrained(28, "DNandRFC822", false, "DN1CA", "DN1subCA3"),
        constrained(29, "DNandRFC822", false, "DN1CA", "DN1subCA3"),
        constrained(30, "DNS", true, "DNS1CA"),
        constrained(31, "DNS", false, "DNS1CA"),
        constrained(32, "DNS", true, "DNS2CA"),
        constrained(33, "DNS", false, "DNS2CA"),
        constrained(34, "URI", true, "URI1CA"),
        constrained(35, "URI", false, "URI1CA"),
        constrained(36, "URI", true, "URI2CA"),
        constrained(37, "URI", false, "URI2CA"),
        constrained(38, "DNS", false, "DNS1CA"),
    ]
}
