import TransportTLS

/// One test case of NIST's PKITS ("Public Key Interoperability Test Suite", the certificates of 2011).
struct PKITSCase: Sendable {
    enum Outcome: Sendable, Equatable {
        case valid
        /// Refused, as PKITS says.
        case invalid(TLSError.Code)
        /// Valid for PKITS, refused by a rule of ours, which is named.
        case refusedByUs(TLSError.Code, because: String)
    }

    /// The section in the document: `4.6.8`.
    let section: String
    /// The certificate that is judged, without the `EE.crt` at its end.
    let leaf: String
    /// The authorities from the trust anchor's subject down to the leaf's issuer, without the ending `Cert.crt`.
    let authorities: [String]
    let outcome: Outcome

    /// The outcome with ``Trust/isStrict``, which forbids some of what RFC 5280 merely advises against.
    var strictOutcome: Outcome {
        guard section == "4.6.4" else { return outcome }
        return .refusedByUs(.invalidAuthority, because: "basic constraints of authorities must be critical")
    }

    init(_ section: String, _ leaf: String, _ authorities: [String], _ outcome: Outcome) {
        self.section = section
        self.leaf = leaf
        self.authorities = authorities
        self.outcome = outcome
    }
}

extension PKITSCase {
    /// How many cases each section has, from the table of contents of the document.
    static let counts = [
        1: 6, 2: 8, 3: 11, 4: 21, 5: 8, 6: 17, 7: 5, 8: 20, 9: 8, 10: 14, 11: 11, 12: 10, 13: 38, 14: 35, 15: 10, 16: 2,
    ]

    /// What does not apply, and why. A case is a section's number and the numbers in it.
    static let inapplicable: [(section: Int, cases: ClosedRange<Int>, reason: String)] = [
        (4, 1...21, "about revocation lists, which we do not read"),
        (5, 2...2, "invalid only because it is revoked"),
        (5, 5...5, "invalid only because it is revoked"),
        (5, 7...7, "invalid only because it is revoked"),
        (7, 4...4, "invalid only because the authority may not sign revocation lists"),
        (7, 5...5, "invalid only because the authority may not sign revocation lists"),
        (8, 1...20, "about certificate policies, of which TLS asks for none"),
        (9, 1...8, "about certificate policies, of which TLS asks for none"),
        (10, 1...14, "about certificate policies, of which TLS asks for none"),
        (11, 1...11, "about certificate policies, of which TLS asks for none"),
        (12, 1...10, "about certificate policies, of which TLS asks for none"),
        (14, 1...35, "about revocation lists, which we do not read"),
        (15, 1...10, "about revocation lists, which we do not read"),
    ]

    /// Every case that applies.
    static let applicable: [PKITSCase] =
        signatures + validity + names + selfIssued + basicConstraints + keyUsage + nameConstraints + extensions

    // MARK: 4.1

    private static let noDSA = Outcome.refusedByUs(.weakKey, because: "DSA of 1024 bits is below security level 2")

    private static let signatures = [
        PKITSCase("4.1.1", "ValidCertificatePathTest1", ["GoodCA"], .valid),
        PKITSCase("4.1.2", "InvalidCASignatureTest2", ["BadSignedCA"], .invalid(.badSignature)),
        PKITSCase("4.1.3", "InvalidEESignatureTest3", ["GoodCA"], .invalid(.badSignature)),
        PKITSCase("4.1.4", "ValidDSASignaturesTest4", ["DSACA"], noDSA),
        PKITSCase("4.1.5", "ValidDSAParameterInheritanceTest5", ["DSACA", "DSAParametersInheritedCA"], noDSA),
        PKITSCase("4.1.6", "InvalidDSASignatureTest6", ["DSACA"], .invalid(.weakKey)),
    ]

    // MARK: 4.2

    private static let validity = [
        PKITSCase("4.2.1", "InvalidCAnotBeforeDateTest1", ["BadnotBeforeDateCA"], .invalid(.notYetValid)),
        PKITSCase("4.2.2", "InvalidEEnotBeforeDateTest2", ["GoodCA"], .invalid(.notYetValid)),
        PKITSCase("4.2.3", "Validpre2000UTCnotBeforeDateTest3", ["GoodCA"], .valid),
        PKITSCase("4.2.4", "ValidGeneralizedTimenotBeforeDateTest4", ["GoodCA"], .valid),
        PKITSCase("4.2.5", "InvalidCAnotAfterDateTest5", ["BadnotAfterDateCA"], .invalid(.expired)),
        PKITSCase("4.2.6", "InvalidEEnotAfterDateTest6", ["GoodCA"], .invalid(.expired)),
        PKITSCase("4.2.7", "Invalidpre2000UTCEEnotAfterDateTest7", ["GoodCA"], .invalid(.expired)),
        PKITSCase("4.2.8", "ValidGeneralizedTimenotAfterDateTest8", ["GoodCA"], .valid),
    ]

    // MARK: 4.3

    private static let names = [
        PKITSCase("4.3.1", "InvalidNameChainingTest1", ["GoodCA"], .invalid(.untrustedIssuer)),
        PKITSCase("4.3.2", "InvalidNameChainingOrderTest2", ["NameOrderingCA"], .invalid(.untrustedIssuer)),
        PKITSCase("4.3.3", "ValidNameChainingWhitespaceTest3", ["GoodCA"], .valid),
        PKITSCase("4.3.4", "ValidNameChainingWhitespaceTest4", ["GoodCA"], .valid),
        PKITSCase("4.3.5", "ValidNameChainingCapitalizationTest5", ["GoodCA"], .valid),
        PKITSCase("4.3.6", "ValidNameUIDsTest6", ["UIDCA"], .valid),
        PKITSCase(
            "4.3.7", "ValidRFC3280MandatoryAttributeTypesTest7", ["RFC3280MandatoryAttributeTypesCA"], .valid),
        PKITSCase("4.3.8", "ValidRFC3280OptionalAttributeTypesTest8", ["RFC3280OptionalAttributeTypesCA"], .valid),
        PKITSCase("4.3.9", "ValidUTF8StringEncodedNamesTest9", ["UTF8StringEncodedNamesCA"], .valid),
        PKITSCase(
            "4.3.10", "ValidRolloverfromPrintableStringtoUTF8StringTest10",
            ["RolloverfromPrintableStringtoUTF8StringCA"], .valid),
        PKITSCase(
            "4.3.11", "ValidUTF8StringCaseInsensitiveMatchTest11", ["UTF8StringCaseInsensitiveMatchCA"], .valid),
    ]

    // MARK: 4.5

    private static let selfIssued = [
        PKITSCase(
            "4.5.1", "ValidBasicSelfIssuedOldWithNewTest1",
            ["BasicSelfIssuedNewKeyCA", "BasicSelfIssuedNewKeyOldWithNewCA"], .valid),
        PKITSCase(
            "4.5.3", "ValidBasicSelfIssuedNewWithOldTest3",
            ["BasicSelfIssuedOldKeyCA", "BasicSelfIssuedOldKeyNewWithOldCA"], .valid),
        PKITSCase(
            "4.5.4", "ValidBasicSelfIssuedNewWithOldTest4",
            ["BasicSelfIssuedOldKeyCA", "BasicSelfIssuedOldKeyNewWithOldCA"], .valid),
        PKITSCase(
            "4.5.6", "ValidBasicSelfIssuedCRLSigningKeyTest6",
            ["BasicSelfIssuedCRLSigningKeyCA", "BasicSelfIssuedCRLSigningKeyCRL"], .valid),
        PKITSCase(
            "4.5.8", "InvalidBasicSelfIssuedCRLSigningKeyTest8",
            ["BasicSelfIssuedCRLSigningKeyCA", "BasicSelfIssuedCRLSigningKeyCRL"], .invalid(.invalidAuthority)),
    ]

    // MARK: 4.6

    private static let noAuthority = Outcome.refusedByUs(
        .authorityAsLeaf, because: "an authority's certificate may not identify a peer")
    private static let zero = "pathLenConstraint0CA"
    private static let six = "pathLenConstraint6CA"
    private static let six0 = [six, "pathLenConstraint6subCA0", "pathLenConstraint6subsubCA00"]
    private static let six1 = [
        six, "pathLenConstraint6subCA1", "pathLenConstraint6subsubCA11", "pathLenConstraint6subsubsubCA11X",
    ]
    private static let six4 = [
        six, "pathLenConstraint6subCA4", "pathLenConstraint6subsubCA41", "pathLenConstraint6subsubsubCA41X",
    ]

    private static let basicConstraints = [
        PKITSCase(
            "4.6.1", "InvalidMissingbasicConstraintsTest1", ["MissingbasicConstraintsCA"],
            .invalid(.invalidAuthority)),
        PKITSCase("4.6.2", "InvalidcAFalseTest2", ["basicConstraintsCriticalcAFalseCA"], .invalid(.invalidAuthority)),
        PKITSCase(
            "4.6.3", "InvalidcAFalseTest3", ["basicConstraintsNotCriticalcAFalseCA"], .invalid(.invalidAuthority)),
        PKITSCase("4.6.4", "ValidbasicConstraintsNotCriticalTest4", ["basicConstraintsNotCriticalCA"], .valid),
        PKITSCase(
            "4.6.5", "InvalidpathLenConstraintTest5", [zero, "pathLenConstraint0subCA"], .invalid(.invalidAuthority)),
        PKITSCase(
            "4.6.6", "InvalidpathLenConstraintTest6", [zero, "pathLenConstraint0subCA"], .invalid(.invalidAuthority)),
        PKITSCase("4.6.7", "ValidpathLenConstraintTest7", [zero], .valid),
        PKITSCase("4.6.8", "ValidpathLenConstraintTest8", [zero], noAuthority),
        PKITSCase("4.6.9", "InvalidpathLenConstraintTest9", six0, .invalid(.invalidAuthority)),
        PKITSCase("4.6.10", "InvalidpathLenConstraintTest10", six0, .invalid(.invalidAuthority)),
        PKITSCase("4.6.11", "InvalidpathLenConstraintTest11", six1, .invalid(.invalidAuthority)),
        PKITSCase("4.6.12", "InvalidpathLenConstraintTest12", six1, .invalid(.invalidAuthority)),
        PKITSCase("4.6.13", "ValidpathLenConstraintTest13", six4, .valid),
        PKITSCase("4.6.14", "ValidpathLenConstraintTest14", six4, noAuthority),
        PKITSCase(
            "4.6.15", "ValidSelfIssuedpathLenConstraintTest15", [zero, "pathLenConstraint0SelfIssuedCA"], .valid),
        PKITSCase(
            "4.6.16", "InvalidSelfIssuedpathLenConstraintTest16",
            [zero, "pathLenConstraint0SelfIssuedCA", "pathLenConstraint0subCA2"], .invalid(.invalidAuthority)),
        PKITSCase(
            "4.6.17", "ValidSelfIssuedpathLenConstraintTest17",
            [
                "pathLenConstraint1CA", "pathLenConstraint1SelfIssuedCA", "pathLenConstraint1subCA",
                "pathLenConstraint1SelfIssuedsubCA",
            ], .valid),
    ]

    // MARK: 4.7

    private static let keyUsage = [
        PKITSCase(
            "4.7.1", "InvalidkeyUsageCriticalkeyCertSignFalseTest1", ["keyUsageCriticalkeyCertSignFalseCA"],
            .invalid(.invalidAuthority)),
        PKITSCase(
            "4.7.2", "InvalidkeyUsageNotCriticalkeyCertSignFalseTest2", ["keyUsageNotCriticalkeyCertSignFalseCA"],
            .invalid(.invalidAuthority)),
        PKITSCase("4.7.3", "ValidkeyUsageNotCriticalTest3", ["keyUsageNotCriticalCA"], .valid),
    ]

    // MARK: 4.16

    private static let extensions = [
        PKITSCase("4.16.1", "ValidUnknownNotCriticalCertificateExtensionTest1", [], .valid),
        PKITSCase(
            "4.16.2", "InvalidUnknownCriticalCertificateExtensionTest2", [], .invalid(.unknownCriticalExtension)),
    ]
}
