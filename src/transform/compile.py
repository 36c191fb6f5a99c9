# Compiles modules for slim. Reads on standard input, until it ends: the length of a path (4 bytes, little end first), the path,
# the optimization level (1 byte), the length of a source (4 bytes), the source. Writes once: b"slimpyc1", the length of the
# interpreter's tag (1 byte), the tag, the magic number (4 bytes); then for each source the length of the compiled module
# (4 bytes) and the module, or 0, the length of a message and the message.
import sys

del sys.path[:1]
import importlib.util
import marshal

read, write = sys.stdin.buffer.read, sys.stdout.buffer.write
magic = importlib.util.MAGIC_NUMBER


def word(number):
    return number.to_bytes(4, "little")


tag = sys.implementation.cache_tag.encode()
write(b"slimpyc1" + bytes([len(tag)]) + tag + magic)
sys.stdout.flush()
while True:
    size = read(4)
    if len(size) < 4:
        break
    path = read(int.from_bytes(size, "little")).decode("utf-8", "surrogateescape")
    level = read(1)[0]
    source = read(int.from_bytes(read(4), "little"))
    try:
        code = compile(source, path, "exec", dont_inherit=True, optimize=level)
        # PEP 552: a hash of the source, which is not to be checked.
        module = magic + word(1) + importlib.util.source_hash(source) + marshal.dumps(code)
        write(word(len(module)) + module)
    except Exception as error:
        message = repr(error).encode("utf-8", "replace")[:200]
        write(word(0) + word(len(message)) + message)
    sys.stdout.flush()
