internal import NodeTransport

/// One block of a PEM file (RFC 7468).
struct PEMBlock {
    /// What stands behind `BEGIN`: `CERTIFICATE`, `PRIVATE KEY` and so on.
    var label: String
    /// The place in the file, counted from 1.
    var number: Int
    /// Header lines, as in keys that are encrypted in the traditional way.
    var headers: [String]
    /// What the base64 stands for.
    var der: Bytes
    /// The block as it stands in the file, from `-----BEGIN` to the end of the `-----END` line.
    var source: Bytes

    /// Whether the block is encrypted in the traditional way (RFC 1421 headers).
    var isEncryptedByHeader: Bool { headers.contains { $0.hasPrefix("Proc-Type:") && $0.contains("ENCRYPTED") } }

    /// All blocks of `text`; what stands between them is ignored.
    ///
    /// Throws ``TLSError/Code/noPEMBlocks`` or ``TLSError/Code/malformedPEM`` with the number of the block.
    static func all(in text: Bytes, file: String) throws(TLSError) -> [PEMBlock] {
        var reader = PEMReader(text: Array(text), file: file)
        let blocks = try reader.readAll()
        guard blocks.isEmpty else { return blocks }
        let hint = text.first == 0x30 ? " (it looks like DER)" : text.isEmpty ? " (it is empty)" : ""
        throw TLSError(.noPEMBlocks, "there is no PEM block in it\(hint)", file: file)
    }

    /// A block in its textual form.
    static func encode(label: String, _ der: some Collection<UInt8>) -> Bytes {
        var text = Array("-----BEGIN \(label)-----\n".utf8)
        let base64 = Array(Base64.encode(Bytes(der), isPadded: true).utf8)
        for start in stride(from: 0, to: base64.count, by: 64) {
            text += base64[start..<min(start + 64, base64.count)]
            text.append(UInt8(ascii: "\n"))
        }
        text += Array("-----END \(label)-----\n".utf8)
        return Bytes(text)
    }
}

/// Splits a text into its PEM blocks, line by line.
private struct PEMReader {
    let text: [UInt8]
    let file: String
    var position = 0
    var lineNumber = 0
    var blockNumber = 0

    init(text: [UInt8], file: String) {
        self.text = text
        self.file = file
        if text.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
    }

    mutating func readAll() throws(TLSError) -> [PEMBlock] {
        var blocks: [PEMBlock] = []
        while true {
            let start = position
            guard let line = nextLine() else { return blocks }
            guard line.starts(with: "-----BEGIN ".utf8) else { continue }
            blockNumber += 1
            guard let label = label(of: line, behind: "-----BEGIN ") else {
                throw malformed("line \(lineNumber) is not a well-formed BEGIN line")
            }
            blocks.append(try readBlock(label: label, start: start))
        }
    }

    private mutating func readBlock(label expected: String, start: Int) throws(TLSError) -> PEMBlock {
        var headers: [String] = []
        var base64: [UInt8] = []
        while let line = nextLine() {
            if line.starts(with: "-----END ".utf8) {
                guard label(of: line, behind: "-----END ") == expected else {
                    throw malformed("line \(lineNumber) does not end what BEGIN \(expected) began")
                }
                guard !base64.isEmpty else { throw malformed("the \(expected) block is empty") }
                guard let der = Base64.decode(base64, .strict) else {
                    throw malformed("the base64 of the \(expected) block is cut short or wrongly padded")
                }
                let source = Bytes(text[start..<position])
                return PEMBlock(
                    label: expected,
                    number: blockNumber,
                    headers: headers,
                    der: der,
                    source: source
                )
            }
            if line.starts(with: "-----BEGIN ".utf8) {
                throw malformed("the \(expected) block has no END line before line \(lineNumber)")
            }
            if base64.isEmpty, line.contains(UInt8(ascii: ":")) {
                headers.append(String(decoding: line, as: UTF8.self))
                continue
            }
            // The offending text is not repeated: it may be part of a key.
            guard line.allSatisfy(Base64.isLegal) else {
                throw malformed("line \(lineNumber) in the \(expected) block is not base64")
            }
            base64 += line
        }
        throw malformed("the \(expected) block has no END line")
    }

    /// The next line without its end and trailing blanks.
    private mutating func nextLine() -> ArraySlice<UInt8>? {
        guard position < text.count else { return nil }
        let newline = UInt8(ascii: "\n")
        let end = text[position...].firstIndex(of: newline) ?? text.count
        var line = text[position..<end]
        position = min(end + 1, text.count)
        lineNumber += 1
        while let last = line.last, last == 0x20 || last == 0x09 || last == 0x0d { line.removeLast() }
        return line
    }

    private func label(of line: ArraySlice<UInt8>, behind prefix: String) -> String? {
        let rest = line.dropFirst(prefix.utf8.count)
        guard rest.count > 5, rest.suffix(5).elementsEqual("-----".utf8) else { return nil }
        let label = rest.dropLast(5)
        guard label.count <= 64, label.allSatisfy({ $0 >= 0x20 && $0 < 0x7f && $0 != 0x2d }) else { return nil }
        return String(decoding: label, as: UTF8.self)
    }

    private func malformed(_ message: String) -> TLSError {
        TLSError(.malformedPEM, message, file: file, block: blockNumber)
    }
}
