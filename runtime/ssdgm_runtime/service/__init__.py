"""A bundle behind HTTP: the Open Inference Protocol, version 2; imported when it is asked for."""
