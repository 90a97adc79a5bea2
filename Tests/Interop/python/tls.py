"""The TLS options that the server and the client share."""

from __future__ import annotations

import argparse
import pathlib

import grpc


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tls-cert", type=pathlib.Path, help="PEM: the own certificate, with its chain")
    parser.add_argument("--tls-key", type=pathlib.Path, help="PEM: the own private key")
    parser.add_argument("--tls-ca", type=pathlib.Path, help="PEM: the authorities that the peer must chain to")


def server_credentials(options: argparse.Namespace) -> grpc.ServerCredentials | None:
    if not options.tls_cert:
        return None
    pair = (options.tls_key.read_bytes(), options.tls_cert.read_bytes())
    if not options.tls_ca:
        return grpc.ssl_server_credentials([pair])
    return grpc.ssl_server_credentials([pair], options.tls_ca.read_bytes(), require_client_auth=True)


def channel_credentials(options: argparse.Namespace) -> grpc.ChannelCredentials | None:
    if not options.tls_ca:
        return None
    return grpc.ssl_channel_credentials(
        options.tls_ca.read_bytes(),
        options.tls_key.read_bytes() if options.tls_key else None,
        options.tls_cert.read_bytes() if options.tls_cert else None,
    )
