import Testing

@testable import HTTP2Engine

/// The examples of RFC 7541, Appendix C.
@Suite struct RFC7541VectorTests {
    @Test(arguments: [("0a", 5, 10), ("1f9a0a", 5, 1337), ("2a", 8, 42)])
    func `C.1 integers`(text: String, prefixBits: Int, value: Int) throws {
        let bytes = hex(text)
        var at = 0
        let decoded = try unsafe HPACKDecoder.integer(bytes.span.bytes, &at, prefixBits: prefixBits)
        #expect(decoded == value)
        #expect(at == bytes.count)
        var output = OutputQueue()
        output.appendInteger(value, prefixBits: prefixBits, flags: 0)
        #expect(output.takeBack(from: 0) == bytes)
    }

    @Test(arguments: [
        ("400a637573746f6d2d6b65790d637573746f6d2d686561646572", "custom-key: custom-header"),
        ("040c2f73616d706c652f70617468", ":path: /sample/path"),
        ("100870617373776f726406736563726574", "password: secret"),
        ("82", ":method: GET"),
    ])
    func `C.2 representations`(text: String, field: String) throws {
        let decoder = TestDecoder()
        #expect(try decoder.decode(hex(text)) == [field])
    }

    @Test(arguments: [
        [
            "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", "8286 84be 5808 6e6f 2d63 6163 6865",
            "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        ],
        [
            "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", "8286 84be 5886 a8eb 1064 9cbf",
            "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        ],
    ])
    func `C.3 and C.4 requests, without and with Huffman code`(blocks: [String]) throws {
        let decoder = TestDecoder()
        #expect(
            try decoder.decode(hex(blocks[0])) == [
                ":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com",
            ]
        )
        #expect(
            try decoder.decode(hex(blocks[1])) == [
                ":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache",
            ]
        )
        #expect(
            try decoder.decode(hex(blocks[2])) == [
                ":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com",
                "custom-key: custom-value",
            ]
        )
    }

    @Test(arguments: [
        [
            """
            4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
            2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d
            """,
            "4803 3330 37c1 c0bf",
            """
            88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d
            54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049
            5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31
            """,
        ],
        [
            """
            4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
            2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3
            """,
            "4883 640e ffc1 c0bf",
            """
            88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab
            77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f
            9587 3160 65c0 03ed 4ee5 b106 3d50 07
            """,
        ],
    ])
    func `C.5 and C.6 responses in a table of 256 bytes, without and with Huffman code`(blocks: [String]) throws {
        let decoder = TestDecoder(tableLimit: 256)
        _ = try decoder.decode([0x3f, 0xe1, 0x01])
        let (cache, location) = ("cache-control: private", "location: https://www.example.com")
        let date = "date: Mon, 21 Oct 2013 20:13:2"
        #expect(try decoder.decode(hex(blocks[0])) == [":status: 302", cache, "\(date)1 GMT", location])
        #expect(try decoder.decode(hex(blocks[1])) == [":status: 307", cache, "\(date)1 GMT", location])
        #expect(
            try decoder.decode(hex(blocks[2])) == [
                ":status: 200", cache, "\(date)2 GMT", location, "content-encoding: gzip",
                "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            ]
        )
    }

    @Test func `C.4 requests come out of the encoder`() {
        let encoder = TestEncoder()
        let method = PreparedField(name: ":method", value: "GET")
        let authority = PreparedField(name: ":authority", value: "www.example.com")
        let first = [
            method, PreparedField(name: ":scheme", value: "http"), PreparedField(name: ":path", value: "/"), authority,
        ]
        #expect(encoder.encode(first) == hex("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"))
        let second = first + [PreparedField(name: "cache-control", value: "no-cache")]
        #expect(encoder.encode(second) == hex("8286 84be 5886 a8eb 1064 9cbf"))
        let third = [
            method, PreparedField(name: ":scheme", value: "https"), PreparedField(name: ":path", value: "/index.html"),
            authority, PreparedField(name: "custom-key", value: "custom-value"),
        ]
        #expect(encoder.encode(third) == hex("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"))
    }
}
