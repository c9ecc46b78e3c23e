"""Writes Sources/PromptText/Tokenizer/CanonicalDecompositions.swift.

The table holds the canonical decompositions that the `tokenizers` package applies (those of
Unicode 9): a character is listed if the package's NFD changes it, with its two parts (or its one)
from Python's unicodedata. Hangul syllables are left out; they follow from arithmetic.

    python make_canonical_decompositions.py > .../CanonicalDecompositions.swift
"""

import unicodedata

from tokenizers.normalizers import NFD

entries = []
for code in range(0x110000):
    if 0xD800 <= code < 0xE000 or 0xAC00 <= code < 0xD7A4:
        continue
    character = chr(code)
    if NFD().normalize_str(character) == character:
        continue
    parts = unicodedata.decomposition(character).split()
    assert 1 <= len(parts) <= 2 and not parts[0].startswith("<"), hex(code)
    assert NFD().normalize_str("".join(chr(int(p, 16)) for p in parts)) == NFD().normalize_str(character)
    entries.append(" ".join([f"{code:X}"] + [f"{int(part, 16):X}" for part in parts]))

lines, line = [], ""
for entry in entries:
    if len(line) + len(entry) + 1 > 95:
        lines.append(line)
        line = ""
    line += ("," if line else "") + entry
lines.append(line)

print("/// Canonical decompositions of Unicode 9 without Hangul, from `make_canonical_decompositions.py`.")
print("///")
print("/// A line holds entries with commas between; an entry is a character and its two parts, or one,")
print("/// as hexadecimal code points.")
print('let canonicalDecompositions = """')
for line in lines:
    print("  " + line)
print('  """')
