"""The paper's table beside ours: method x labels x seeds on MNIST, one process a run."""
