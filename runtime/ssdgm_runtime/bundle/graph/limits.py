"""How large a graph may be: every number that `check` refuses by, and FORMAT.md lists.

The largest graph of the methods that ship has a hundred nodes and some thousand fields. A reader
needs about 200 bytes and 3 microseconds for a field, whatever the field is.
"""

FIELDS = 200_000
"""Fields of a file, those of inner messages too; numbers that are packed are one."""
NESTING = 24
"""Messages within messages: graph, node, attribute, tensor and so on."""
NODES = 10_000
INITIALISERS = 10_000
"""Tensors that a graph begins with."""
TEXT = 4096
"""Bytes of a name or of any other text."""
AXES = 8
"""Of a tensor that is in the file."""
FOLDED = 1 << 24
"""Numbers that one node may make of constants alone."""
FUNCTIONS = 0
"""Operators that a file defines by itself: they may be nested, so that few become many."""
WHOLE = 1 << 16
"""The largest whole number of an attribute, such as a stride, but for a constant's own value."""
OPSET, IR = 18, 10
"""The one version of the operators, and the latest of the file format."""
