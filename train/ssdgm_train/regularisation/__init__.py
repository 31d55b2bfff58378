"""What unlabelled rows ask of q(y | x) beside a model of them, as settings for any method."""
