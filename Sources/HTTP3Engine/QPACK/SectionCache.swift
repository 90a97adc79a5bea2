internal import CNGHTTP3
internal import NodeTransport

/// Field sections received lately, so that one that comes again, byte for byte, costs no decoding.
///
/// What the bytes of a section stand for depends on them and, when they refer to it, on the dynamic table, which changes with
/// the encoder stream only. A section is kept when it comes the second time. Sections with sensitive fields, and long ones,
/// never are.
@safe
struct SectionCache: ~Copyable {
    /// A section as it was decoded.
    final class Section {
        fileprivate let bytes: [UInt8]
        fileprivate let hash: UInt64
        /// Which insertions into the dynamic table it was decoded with; −1 where it does not refer to it.
        fileprivate let generation: Int
        let fields: [HeaderField]
        /// What the rules for messages have found, once that was asked: as a head, and whether it can be trailers.
        var summary: HeaderRules.Summary?
        var isTrailers = false

        fileprivate init(_ bytes: RawSpan, hash: UInt64, generation: Int, _ fields: ArraySlice<HeaderField>) {
            self.bytes = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
            self.hash = hash
            self.generation = generation
            self.fields = Array(fields)
        }

        var refersToTable: Bool { generation >= 0 }
    }

    private static let sets = 8
    private static let longestSectionBytes = 512
    /// As RFC 9114 §4.2.2 counts them: a few bytes may stand for much.
    private static let longestFieldBytes = 2048
    private static let longestValueBytes = 128

    /// Two for each set, the one that came later first.
    private var sections: [Section?] = []
    /// The hashes of sections that came once.
    private var seen: [UInt64] = []

    private static func hash(_ bytes: RawSpan) -> UInt64 { ByteHash.hash(bytes, seed: UInt64(bytes.byteCount)) }

    /// Whether the section refers to the dynamic table: its Required Insert Count is not 0 (RFC 9204 §4.5.1.1).
    private static func refersToTable(_ bytes: RawSpan) -> Bool { bytes.byteCount > 0 && bytes.byte(0) != 0 }

    /// The section that these bytes are, if it is kept and the table is as it was.
    func section(_ bytes: RawSpan, generation: Int) -> Section? {
        guard !sections.isEmpty, bytes.byteCount <= Self.longestSectionBytes else { return nil }
        let hash = Self.hash(bytes)
        let place = Int(truncatingIfNeeded: hash >> 61) * 2
        for index in place...place + 1 {
            guard let section = sections[index], section.hash == hash, section.bytes.count == bytes.byteCount,
                section.generation < 0 || section.generation == generation, Self.equal(section.bytes, bytes)
            else { continue }
            return section
        }
        return nil
    }

    /// Of as many bytes.
    private static func equal(_ left: [UInt8], _ right: RawSpan) -> Bool {
        unsafe left.withUnsafeBufferPointer { left in
            unsafe right.withUnsafeBytes { right in
                let start = unsafe right.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe cnghttp3_equal(left.baseAddress, start, left.count)
            }
        }
    }

    /// Keeps a section that has come before.
    mutating func keep(_ bytes: RawSpan, generation: Int, _ fields: ArraySlice<HeaderField>) {
        guard bytes.byteCount > 0, bytes.byteCount <= Self.longestSectionBytes else { return }
        let hash = Self.hash(bytes)
        if seen.isEmpty {
            seen = Array(repeating: 0, count: Self.sets * 4)
            sections = Array(repeating: nil, count: Self.sets * 2)
        }
        let memory = Int(truncatingIfNeeded: hash >> 32) & (seen.count - 1)
        guard seen[memory] == hash else {
            seen[memory] = hash
            return
        }
        var fieldBytes = 0
        for field in fields {
            if field.isSensitive || field.value.utf8.count > Self.longestValueBytes { return }
            fieldBytes += field.sectionBytes
        }
        guard fieldBytes <= Self.longestFieldBytes else { return }
        let place = Int(truncatingIfNeeded: hash >> 61) * 2
        // One that the table has outlived gives its place to its successor.
        if sections[place]?.hash != hash { sections[place + 1] = sections[place] }
        sections[place] = Section(
            bytes, hash: hash, generation: Self.refersToTable(bytes) ? generation : -1, fields)
    }
}
