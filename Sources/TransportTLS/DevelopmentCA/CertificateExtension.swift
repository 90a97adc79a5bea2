internal import NodeTransport

/// An extension of a certificate as it stands there (RFC 5280 section 4.2).
package struct CertificateExtension: Sendable, Hashable {
    /// The object identifier in dotted form.
    package var identifier: String
    package var isCritical: Bool
    /// What the octet string holds; need not be DER.
    package var contents: [UInt8]

    package init(_ identifier: String, isCritical: Bool = false, _ contents: [UInt8]) {
        self.identifier = identifier
        self.isCritical = isCritical
        self.contents = contents
    }

    /// Whether the subject is an authority, and how many authorities may follow it.
    package static func basicConstraints(
        isAuthority: Bool, pathLength: Int? = nil, isCritical: Bool = true
    ) -> CertificateExtension {
        let length = pathLength.flatMap { UInt32(exactly: $0) }.map(DER.integer) ?? []
        return CertificateExtension(
            "2.5.29.19", isCritical: isCritical, DER.sequence([isAuthority ? DER.yes : [], length]))
    }

    package static func keyUsage(_ usages: Set<KeyUsage>) -> CertificateExtension {
        CertificateExtension("2.5.29.15", isCritical: true, DER.bits(usages.map(\.rawValue)))
    }

    package static func extendedKeyUsage(_ usages: [ExtendedKeyUsage]) -> CertificateExtension {
        CertificateExtension("2.5.29.37", DER.sequence(usages.map { DER.identifier($0.identifier) ?? [] }))
    }

    package static func subjectAlternativeNames(_ names: [GeneralName]) -> CertificateExtension {
        CertificateExtension("2.5.29.17", DER.sequence(names.map(\.der)))
    }

    package static func nameConstraints(permitted: [GeneralName], excluded: [GeneralName]) -> CertificateExtension {
        func subtrees(_ tag: UInt8, _ names: [GeneralName]) -> [UInt8] {
            names.isEmpty ? [] : DER.value(tag, names.flatMap { DER.sequence([$0.der]) })
        }
        return CertificateExtension(
            "2.5.29.30", isCritical: true, DER.sequence([subtrees(0xa0, permitted), subtrees(0xa1, excluded)]))
    }
}

/// The purposes of a key, by their number of bit (RFC 5280 section 4.2.1.3).
package enum KeyUsage: UInt8, Sendable {
    case digitalSignature, nonRepudiation, keyEncipherment, dataEncipherment, keyAgreement, keyCertSign, crlSign
}

/// A name in a certificate, unchecked (RFC 5280 section 4.2.1.6).
package struct GeneralName: Sendable, Hashable {
    private let tag: UInt8
    private let bytes: [UInt8]

    var der: [UInt8] { DER.value(tag, bytes) }

    private init(_ tag: UInt8, _ bytes: [UInt8]) {
        self.tag = tag
        self.bytes = bytes
    }

    package static func email(_ text: String) -> GeneralName { GeneralName(0x81, Array(text.utf8)) }
    package static func dns(_ text: String) -> GeneralName { GeneralName(0x82, Array(text.utf8)) }
    package static func uri(_ text: String) -> GeneralName { GeneralName(0x86, Array(text.utf8)) }
    /// An address; in a name constraint with its mask behind it.
    package static func ip(_ bytes: [UInt8]) -> GeneralName { GeneralName(0x87, bytes) }

    /// The name, checked; `nil` when no certificate can hold it.
    init?(_ name: PeerName, isConstraint: Bool = false) {
        switch name {
        case .ip(let text):
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard let address = parts.first.flatMap({ IPAddress(String($0)) }) else { return nil }
            guard isConstraint else {
                guard parts.count == 1 else { return nil }
                self = .ip(address.bytes)
                return
            }
            let width = address.bytes.count * 8
            guard parts.count <= 2, let length = parts.count == 2 ? Int(parts[1]) : width, (0...width).contains(length)
            else { return nil }
            let mask = (0..<address.bytes.count).map { index in
                UInt8(truncatingIfNeeded: 0xff00 >> max(0, min(8, length - index * 8)))
            }
            self = .ip(zip(address.bytes, mask).map { $0 & $1 } + mask)
        case .dns(let text), .uri(let text), .email(let text):
            guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
            self =
                switch name {
                case .dns: .dns(text)
                case .uri: .uri(text)
                default: .email(text)
                }
        }
    }
}
