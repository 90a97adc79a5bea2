import NodeTransport
import Testing
import TransportTLS

@Suite struct PinTests {
    private let hexadecimal = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    private let base64 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="

    @Test func `the form tells what is pinned, and a prefix decides`() throws {
        let fingerprint = try #require(Fingerprint(parsing: hexadecimal))
        let certificate = Pin.certificate(fingerprint)
        let publicKey = Pin.publicKey(fingerprint)
        for text in [
            hexadecimal, hexadecimal.uppercased(), fingerprint.description, "cert:\(base64)", "cert:sha256/\(base64)",
            "sha256 Fingerprint=\(fingerprint.uppercase)", " cert:\(hexadecimal) ",
        ] { #expect(try Pin(parsing: text) == certificate, "\(text)") }
        for text in [
            base64, "sha256/\(base64)", "SHA256:\(base64.dropLast())", "spki:\(hexadecimal)", "spki:\(base64)",
        ] {
            #expect(try Pin(parsing: text) == publicKey, "\(text)")
        }
        #expect(certificate != publicKey)
    }

    @Test func `a pin reads its own description`() throws {
        let fingerprint = try #require(Fingerprint(parsing: hexadecimal))
        for pin in [Pin.certificate(fingerprint), .publicKey(fingerprint)] {
            #expect(try Pin(parsing: pin.description) == pin)
        }
    }

    @Test(arguments: ["", "cert:", "spki:", "sha256/AAAA", "cert:spki:", "hello", "\u{1b}[31mred", "00:11"])
    func `what is no pin is refused, with the text and harmlessly`(text: String) {
        let error = #expect(throws: TLSError.self) { try Pin(parsing: text) }
        #expect(error?.code == .malformedPin)
        #expect(error?.message.utf8.contains(0x1b) == false)
    }

    @Test func `a file of pins has comments and names the line at fault`() throws {
        let text = "# peers\n\n\(hexadecimal)  # node-b\r\n  sha256/\(base64)\n"
        #expect(try Pin.all(in: Bytes(utf8: text), source: "pins").count == 2)
        let error = #expect(throws: TLSError.self) { try Pin.all(in: Bytes(utf8: text + "oops\n"), source: "pins") }
        #expect(error?.code == .malformedPin)
        #expect(error?.file == "pins")
        #expect(error?.message.hasPrefix("line 5: 'oops'") == true)
    }
}

@Suite struct SPIFFEIDTests {
    @Test(arguments: ["spiffe://city.example/node/a", "spiffe://a", "spiffe://a-b_c.d/X.y-Z_0"])
    func `a SPIFFE ID has a trust domain and a path`(text: String) throws {
        #expect(try SPIFFEID(text).description == text)
    }

    @Test(arguments: [
        "", "spiffe://", "spiffe:///path", "https://a/b", "spiffe://City/a", "spiffe://a/", "spiffe://a//b",
        "spiffe://a/./b", "spiffe://a/../b", "spiffe://a:80/b", "spiffe://u@a/b", "spiffe://a/b?c", "spiffe://a/b#c",
        "spiffe://a/%41", "spiffe://ä/b", "spiffe://\(String(repeating: "a", count: 256))/b",
        "spiffe://a/\(String(repeating: "b", count: 2048))",
    ])
    func `anything else is none`(text: String) {
        let error = #expect(throws: TLSError.self) { try SPIFFEID(text) }
        #expect(error?.code == .invalidConfiguration)
    }
}
