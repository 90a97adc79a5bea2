"""Holds the .proto files to what deployed peers rely on.

Protos/baseline.txt has one line for each promise: a field with its number, type and label, an enum
value with its number, a method with its messages and its shape, a number that is reserved. A promise
may be added; it may not go away or change. Whoever must break one removes its line by hand, where the
review sees it.

    proto_baseline.py --check      fail on a broken promise, or one that is not recorded yet
    proto_baseline.py --record     add new promises; fail on a broken one
    proto_baseline.py --self-test  make each kind of change in memory and see that it is noticed
"""

from __future__ import annotations

import importlib.resources
import pathlib
import sys
import tempfile

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROTOS = ROOT / "Protos"
BASELINE = PROTOS / "baseline.txt"
HEADER = "# What deployed peers rely on. Written by `make proto`; a line goes only by hand.\n"

FieldProto = descriptor_pb2.FieldDescriptorProto


def parse(folder: pathlib.Path) -> descriptor_pb2.FileDescriptorSet:
    """The descriptors of every .proto file under `folder`."""
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.proto"))
    if not files:
        sys.exit(f"error: there is no .proto file in {folder}")
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    with tempfile.NamedTemporaryFile(suffix=".binpb") as output:
        arguments = ["protoc", f"-I{folder}", f"-I{well_known}", f"--descriptor_set_out={output.name}", *files]
        if protoc.main(arguments) != 0:
            sys.exit("error: the .proto files do not parse")
        return descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(output.name).read_bytes())


def promises(files: descriptor_pb2.FileDescriptorSet) -> dict[str, str]:
    """What the files promise: the thing promised, and how it looks on the wire."""
    found: dict[str, str] = {}
    for file in files.file:
        prefix = f"{file.package}." if file.package else ""
        for message in file.message_type:
            promises_of_message(prefix, message, found)
        for enum in file.enum_type:
            promises_of_enum(prefix, enum, found)
        for service in file.service:
            for method in service.method:
                request = ("stream " if method.client_streaming else "") + method.input_type.lstrip(".")
                response = ("stream " if method.server_streaming else "") + method.output_type.lstrip(".")
                found[f"method {prefix}{service.name}/{method.name}"] = f"({request}) returns ({response})"
    return found


def promises_of_message(prefix: str, message: descriptor_pb2.DescriptorProto, found: dict[str, str]) -> None:
    name = prefix + message.name
    found[f"message {name}"] = "exists"
    for field in message.field:
        found[f"field {name}.{field.name}"] = f"{field.number} {field_type(message, field)}"
    for gone in message.reserved_range:
        for number in range(gone.start, min(gone.end, gone.start + 1000)):
            found[f"reserved {name} {number}"] = "never used again"
    for enum in message.enum_type:
        promises_of_enum(f"{name}.", enum, found)
    for nested in message.nested_type:
        promises_of_message(f"{name}.", nested, found)


def promises_of_enum(prefix: str, enum: descriptor_pb2.EnumDescriptorProto, found: dict[str, str]) -> None:
    found[f"enum {prefix}{enum.name}"] = "exists"
    for value in enum.value:
        found[f"value {prefix}{enum.name}.{value.name}"] = f"{value.number}"


def field_type(message: descriptor_pb2.DescriptorProto, field: FieldProto) -> str:
    if field.type_name:
        kind = field.type_name.lstrip(".")
    else:
        kind = FieldProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    if field.proto3_optional:
        label = "optional"
    elif field.HasField("oneof_index"):
        label = f"in oneof {message.oneof_decl[field.oneof_index].name}"
    elif field.label == FieldProto.LABEL_REPEATED:
        label = "repeated"
    else:
        label = "singular"
    return f"{kind}, {label}"


def broken(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """Why a peer that was built from `old` no longer understands one that is built from `new`."""
    complaints = []
    for thing, was in old.items():
        if thing not in new:
            complaints.append(f"{thing} is gone (it was: {was})")
        elif new[thing] != was:
            complaints.append(f"{thing} changed from '{was}' to '{new[thing]}'")
    return complaints


def load() -> dict[str, str]:
    if not BASELINE.exists():
        return {}
    lines = (line.strip() for line in BASELINE.read_text().splitlines())
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def check(record: bool) -> None:
    old, new = load(), promises(parse(PROTOS))
    if complaints := broken(old, new):
        for complaint in complaints:
            print(f"error: {complaint}", file=sys.stderr)
        sys.exit(f"error: Protos/ breaks deployed peers in {len(complaints)} places; reserve the number and add instead")
    added = [thing for thing in new if thing not in old]
    if record:
        BASELINE.write_text(HEADER + "".join(f"{thing}: {new[thing]}\n" for thing in sorted(new)))
        print(f"{BASELINE.relative_to(ROOT)}: {len(new)} promises, {len(added)} of them new")
    elif added:
        shown = ", ".join(added[:5]) + (" and others" if len(added) > 5 else "")
        sys.exit(f"error: {len(added)} promises are not in Protos/baseline.txt yet, run 'make proto': {shown}")
    else:
        print(f"Protos/ keeps all of its {len(old)} promises.")


SAMPLE = """
syntax = "proto3";
package sample;
message Tx {
  reserved 9;
  string id = 1;
  repeated bytes parts = 2;
  optional uint64 time = 3;
  oneof proof { bytes hash = 4; string name = 5; }
  enum Kind { UNKNOWN = 0; PAYMENT = 1; }
  Kind kind = 6;
  message Inner { bool flag = 1; }
  map<string, Inner> inner = 7;
}
message Ack { bool success = 1; }
service Node { rpc Submit(Tx) returns (Ack); rpc Follow(Tx) returns (stream Ack); }
"""

# The change, and the beginning of the complaint that it must cause; none where the change is allowed.
CHANGES = [
    ("string id = 1;", "string id = 1; string note = 10;", None),
    ("PAYMENT = 1;", "PAYMENT = 1; REWARD = 2;", None),
    ("service Node {", "service Node { rpc Ask(Tx) returns (Ack);", None),
    ("message Ack {", "message More { bool b = 1; } message Ack {", None),
    ("string id = 1;", "", "field sample.Tx.id is gone"),
    ("string id = 1;", "string id = 10;", "field sample.Tx.id changed"),
    ("string id = 1;", "bytes id = 1;", "field sample.Tx.id changed"),
    ("string id = 1;", "string tx_id = 1;", "field sample.Tx.id is gone"),
    ("string id = 1;", "repeated string id = 1;", "field sample.Tx.id changed"),
    ("optional uint64 time", "uint64 time", "field sample.Tx.time changed"),
    ("string name = 5; }", "} string name = 5;", "field sample.Tx.name changed"),
    ("map<string, Inner>", "map<int32, Inner>", "field sample.Tx.InnerEntry.key changed"),
    ("bool flag = 1;", "bool flag = 2;", "field sample.Tx.Inner.flag changed"),
    ("PAYMENT = 1;", "PAYMENT = 2;", "value sample.Tx.Kind.PAYMENT changed"),
    ("PAYMENT = 1;", "", "value sample.Tx.Kind.PAYMENT is gone"),
    ("reserved 9;", "", "reserved sample.Tx 9 is gone"),
    ("rpc Submit(Tx) returns (Ack);", "", "method sample.Node/Submit is gone"),
    ("rpc Submit(Tx)", "rpc Submit(Ack)", "method sample.Node/Submit changed"),
    ("rpc Submit(Tx)", "rpc Submit(stream Tx)", "method sample.Node/Submit changed"),
    ("returns (stream Ack)", "returns (Ack)", "method sample.Node/Follow changed"),
    ("package sample;", "package other;", "message sample.Tx is gone"),
]


def self_test() -> None:
    def promises_of_text(text: str) -> dict[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "sample.proto").write_text(text)
            return promises(parse(pathlib.Path(folder)))

    old = promises_of_text(SAMPLE)
    for before, after, expected in CHANGES:
        assert SAMPLE.count(before) == 1, before
        complaints = broken(old, promises_of_text(SAMPLE.replace(before, after)))
        noticed = any(complaint.startswith(expected) for complaint in complaints) if expected else not complaints
        if not noticed:
            sys.exit(f"error: '{before}' -> '{after}' must give '{expected}' and gave {complaints}")
    print(f"The check for breaking changes notices what it must: {len(CHANGES)} changes tried.")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--check"]:
            check(record=False)
        case ["--record"]:
            check(record=True)
        case ["--self-test"]:
            self_test()
        case _:
            sys.exit(__doc__)
