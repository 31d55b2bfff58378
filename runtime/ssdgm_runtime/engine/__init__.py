"""The wall around onnxruntime: sessions, providers, threads."""
