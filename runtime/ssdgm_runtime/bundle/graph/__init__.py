"""Is a graph one that a bundle may have? Answered from its bytes, before any engine sees them.

`fields` has the messages of onnx.proto, `wire` reads their bytes in the one way in which they may
be written, `tensors` looks at what holds numbers, `operators` says which operators there may be,
`nodes` looks at each node, `constants` bounds what nodes make of constants, `limits` has every
number, and `check` is all of it.
"""
