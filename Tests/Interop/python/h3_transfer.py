"""One request in HTTP/3 with a long body, by curl_cffi: curl on ngtcp2, nghttp3 and BoringSSL.

Content is a pattern: byte n is n mod 251. Prints a line of JSON: status, HTTP version, how many bytes of the pattern came
(-1 where one was wrong), the content-length, and the text where the content is text. With --take the transfer is stopped
after so many bytes, and the text is "stopped".
"""

from __future__ import annotations

import argparse
import json
import sys

from curl_cffi import Curl, CurlHttpVersion, CurlInfo, CurlOpt
from curl_cffi.curl import CURL_WRITEFUNC_ERROR, CurlError

PIECE = bytes(n % 251 for n in range(251 * 256))


class Taker:
    """Counts what comes; refuses more than it was told to take."""

    def __init__(self, limit: int | None) -> None:
        self.limit, self.count, self.is_right, self.text = limit, 0, True, b""

    def __call__(self, data: bytes) -> int:
        start = self.count % 251
        expected = (PIECE * ((len(data) + start) // len(PIECE) + 1))[start : start + len(data)]
        self.is_right = self.is_right and data == expected
        self.count += len(data)
        self.text = (self.text + data)[:1000]
        return CURL_WRITEFUNC_ERROR if self.limit is not None and self.count >= self.limit else len(data)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method")
    parser.add_argument("url")
    parser.add_argument("--send", type=int)
    parser.add_argument("--take", type=int)
    parser.add_argument("--tls-ca", required=True)
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    options = parser.parse_args()

    curl, taker, length = Curl(), Taker(options.take), []
    curl.setopt(CurlOpt.URL, options.url.encode())
    curl.setopt(CurlOpt.HTTP_VERSION, CurlHttpVersion.V3ONLY)
    curl.setopt(CurlOpt.CAINFO, options.tls_ca.encode())
    curl.setopt(CurlOpt.TIMEOUT_MS, 180_000)
    curl.setopt(CurlOpt.CUSTOMREQUEST, options.method.encode())
    if options.method == "HEAD":
        curl.setopt(CurlOpt.NOBODY, 1)
    if options.tls_cert:
        curl.setopt(CurlOpt.SSLCERT, options.tls_cert.encode())
        curl.setopt(CurlOpt.SSLKEY, options.tls_key.encode())
    if options.send is not None:
        body = (PIECE * (options.send // len(PIECE) + 1))[: options.send]
        curl.setopt(CurlOpt.POSTFIELDSIZE_LARGE, len(body))
        curl.setopt(CurlOpt.POSTFIELDS, body)
    curl.setopt(CurlOpt.WRITEFUNCTION, taker)
    curl.setopt(CurlOpt.HEADERFUNCTION, lambda line: length.append(line) or len(line))
    stopped = False
    try:
        curl.perform()
    except CurlError as error:
        stopped = options.take is not None and int(error.code) == 23
        if not stopped:
            print(json.dumps({"error": str(int(error.code)), "text": str(error)}))
            return 1
    lengths = [line.split(b":")[1].strip().decode() for line in length if line.lower().startswith(b"content-length:")]
    version = "3" if curl.getinfo(CurlInfo.HTTP_VERSION) == CurlHttpVersion.V3 else "another"
    text = "stopped" if stopped else "" if taker.is_right else taker.text.decode(errors="replace")
    print(
        json.dumps(
            {
                "status": str(curl.getinfo(CurlInfo.RESPONSE_CODE)),
                "version": version,
                "bytes": str(taker.count if taker.is_right else -1),
                "length": (lengths or [""])[-1],
                "text": text,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
