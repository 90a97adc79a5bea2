"""One end of an HTTP/3 connection on aioquic and pylsqpack, without QUIC.

Standard input and output carry stream bytes, one line each: STREAM HEX FIN, where FIN is 0 or 1. What comes in is
what the other end sent on that QUIC stream. A line `flush` asks for everything that there is to send; the answer
ends with the line `done`. A line `CLOSE code reason` is the connection error that this end found.

As a server it answers each request with the request's fields whose name begins with x-, its content, and trailers;
as a client it makes as many requests as --requests says and prints `RESPONSE {json}` for each.
"""

import argparse
import json
import sys

from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.events import StreamDataReceived


class Configuration:
    def __init__(self, is_client):
        self.is_client = is_client


class FakeQuic:
    """What aioquic's HTTP/3 layer asks of a QUIC connection."""

    _quic_logger = None
    _remote_max_datagram_frame_size = 65535

    def __init__(self, is_client):
        self.configuration = Configuration(is_client)
        self.next_uni = 2 if is_client else 3
        self.next_bidi = 0
        self.output = []

    def get_next_available_stream_id(self, is_unidirectional=False):
        if is_unidirectional:
            self.next_uni += 4
            return self.next_uni - 4
        self.next_bidi += 4
        return self.next_bidi - 4

    def send_stream_data(self, stream_id, data, end_stream=False):
        self.output.append(f"{stream_id} {data.hex() or '-'} {int(end_stream)}")

    def reset_stream(self, stream_id, error_code):
        self.output.append(f"RESET {stream_id} {int(error_code)}")

    def close(self, error_code, reason_phrase):
        self.output.append(f"CLOSE {int(error_code)} {reason_phrase}")


class Peer:
    def __init__(self, is_client, requests):
        self.quic = FakeQuic(is_client)
        self.http = H3Connection(self.quic)
        self.is_client = is_client
        self.messages = {}
        self.requests = requests

    def request(self, number):
        stream = self.quic.get_next_available_stream_id()
        headers = [
            (b":method", b"POST"), (b":scheme", b"https"), (b":path", b"/echo.Echo/Unary"),
            (b":authority", b"node-7.example"), (b"te", b"trailers"), (b"content-type", b"application/grpc"),
            (b"user-agent", b"aioquic"), (b"x-number", str(number % 3).encode()), (b"x-long", b"l" * 300),
        ]
        self.http.send_headers(stream, headers)
        self.http.send_data(stream, b"content %d " % number * (number * 50 + 1), False)
        self.http.send_headers(stream, [(b"x-trailer", b"t%d" % number)], end_stream=True)

    def receive(self, stream, data, fin):
        for event in self.http.handle_event(StreamDataReceived(data=data, end_stream=fin, stream_id=stream)):
            message = self.messages.setdefault(event.stream_id, {"sections": [], "content": b""})
            if isinstance(event, HeadersReceived):
                message["sections"].append([[n.decode(), v.decode()] for n, v in event.headers])
            elif isinstance(event, DataReceived):
                message["content"] += event.data
            if event.stream_ended:
                self.ended(event.stream_id, message)

    def ended(self, stream, message):
        if self.is_client:
            text = {"stream": stream, "sections": message["sections"], "content": message["content"].hex()}
            self.quic.output.append("RESPONSE " + json.dumps(text))
            return
        echoed = [(n.encode(), v.encode()) for n, v in message["sections"][0] if n.startswith("x-")]
        self.http.send_headers(stream, [(b":status", b"200"), (b"content-type", b"application/grpc")] + echoed)
        self.http.send_data(stream, message["content"], False)
        trailers = [(n.encode(), v.encode()) for section in message["sections"][1:] for n, v in section]
        self.http.send_headers(stream, [(b"grpc-status", b"0")] + trailers, end_stream=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["client", "server"])
    parser.add_argument("--requests", type=int, default=0)
    arguments = parser.parse_args()
    peer = Peer(arguments.role == "client", arguments.requests)
    made = 0
    for line in sys.stdin:
        if line.strip() == "flush":
            # After the settings, so that the dynamic table is used.
            if peer.http.received_settings is not None:
                if made < arguments.requests:
                    peer.request(made)
                    made += 1
            for text in peer.quic.output:
                print(text)
            peer.quic.output.clear()
            print("done", flush=True)
            continue
        stream, data, fin = line.split()
        peer.receive(int(stream), b"" if data == "-" else bytes.fromhex(data), fin == "1")


if __name__ == "__main__":
    main()
