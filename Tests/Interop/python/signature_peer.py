"""Makes keys, signs and verifies with another implementation (OpenSSL, through the package cryptography).

    signature_peer.py generate NAME FOLDER          key.pem, key.der, public.pem, public.der
    signature_peer.py sign KEY MESSAGE CONTEXT      prints the signature as hexadecimal digits
    signature_peer.py verify PUBLIC MESSAGE CONTEXT SIGNATURE
                                                    prints valid or invalid

KEY and PUBLIC are PEM files; MESSAGE, CONTEXT and SIGNATURE are hexadecimal digits or "-" for nothing.
"""

import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

GENERATORS = {
    "Ed25519": ed25519.Ed25519PrivateKey,
    "ML-DSA-65": mldsa.MLDSA65PrivateKey,
    "ML-DSA-87": mldsa.MLDSA87PrivateKey,
}


def bytes_of(text):
    return b"" if text == "-" else bytes.fromhex(text)


def generate(name, folder):
    key = GENERATORS[name].generate()
    for ending, encoding in (("pem", serialization.Encoding.PEM), ("der", serialization.Encoding.DER)):
        with open(f"{folder}/key.{ending}", "wb") as file:
            file.write(
                key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            )
        with open(f"{folder}/public.{ending}", "wb") as file:
            file.write(key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo))
    print("done")


def sign(path, message, context):
    with open(path, "rb") as file:
        key = serialization.load_pem_private_key(file.read(), None)
    arguments = [context] if context else []
    print(key.sign(message, *arguments).hex())


def verify(path, message, context, signature):
    with open(path, "rb") as file:
        key = serialization.load_pem_public_key(file.read())
    arguments = [context] if context else []
    try:
        key.verify(signature, message, *arguments)
        print("valid")
    except InvalidSignature:
        print("invalid")


command, *rest = sys.argv[1:]
if command == "generate":
    generate(*rest)
elif command == "sign":
    sign(rest[0], *map(bytes_of, rest[1:]))
elif command == "verify":
    verify(rest[0], *map(bytes_of, rest[1:]))
else:
    sys.exit(f"{command} is not known")
