"""One GET in HTTP/3 and nothing else, by curl_cffi: curl on ngtcp2, nghttp3 and BoringSSL.

Prints a line of JSON with the HTTP status, version and text, or with curl's error.
"""

from __future__ import annotations

import argparse
import json
import sys

from curl_cffi import CurlHttpVersion, requests
from curl_cffi.requests.exceptions import RequestException


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--tls-ca", required=True)
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    options = parser.parse_args()
    own = (options.tls_cert, options.tls_key) if options.tls_cert else None
    try:
        response = requests.get(
            options.url, http_version=CurlHttpVersion.V3ONLY, verify=options.tls_ca, cert=own, timeout=90
        )
    except RequestException as error:
        print(json.dumps({"error": int(error.code), "text": str(error)}))
        return 1
    version = "3" if response.http_version == CurlHttpVersion.V3 else str(response.http_version)
    print(json.dumps({"status": response.status_code, "version": version, "text": response.text}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
