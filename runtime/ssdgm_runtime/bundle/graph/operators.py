"""Which operators a graph may have, and what they give.

These are functions of tensors alone: the same inputs give the same outputs, in a time that their
shapes tell. What draws at random, loops or branches, handles text or sequences, or gives as many
rows as there happen to be, is none of them. They were run with odd inputs and attributes, as
`make fuzz` does; what ended the engine's process is refused by `nodes`, or is not here (`Mod`).
"""

SAME, FLOAT, WHOLE, TRUTH = "same", "float", "whole", "truth"
"""What an operator gives: the type of an input, floating point, whole numbers, or booleans."""

_GIVES = {
    SAME: "Abs Add Sub Mul Div Pow Neg Sign Min Max Sum Clip Relu Identity Reshape Transpose"
    " Concat Split Slice Squeeze Unsqueeze Flatten Gather GatherElements GatherND ScatterElements"
    " ScatterND Expand Tile Pad DepthToSpace SpaceToDepth Trilu Range Resize MatMul Gemm Einsum"
    " CumSum TopK ReduceSum ReduceMax ReduceMin ReduceMean ReduceProd ReduceL1 ReduceL2"
    " ReduceLogSum ReduceLogSumExp ReduceSumSquare MaxPool Erf PRelu",
    FLOAT: "Sqrt Exp Log Reciprocal Floor Ceil Round Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh"
    " Asinh Acosh Atanh Mean LeakyRelu Elu Selu Celu Sigmoid HardSigmoid HardSwish"
    " Softplus Softsign ThresholdedRelu Mish Softmax LogSoftmax Hardmax Conv ConvTranspose"
    " BatchNormalization InstanceNormalization LayerNormalization GroupNormalization"
    " LpNormalization MeanVarianceNormalization LRN AveragePool LpPool GlobalMaxPool"
    " GlobalAveragePool GlobalLpPool DequantizeLinear LSTM GRU RNN",
    WHOLE: "ArgMax ArgMin Shape Size QuantizeLinear",
    TRUTH: "IsNaN IsInf And Or Not Xor Equal Less Greater LessOrEqual GreaterOrEqual",
}
_BY_INPUTS = ("CastLike", "Constant", "ConstantOfShape", "OneHot", "Where")
GIVES: dict[str, str] = {
    **{name: kind for kind, names in _GIVES.items() for name in names.split()},
    **{"Cast": "to", **dict.fromkeys(_BY_INPUTS, "")},
}
"""Every operator of the default domain that is allowed, and what it gives, as far as one word can
say it; `nodes` knows the rest."""

INDICES = frozenset({"TopK", "MaxPool"})
"""Those whose second output is whole numbers."""
DOMAINS = frozenset({"", "ai.onnx"})
"""The default domain, which has two names."""
FLOATS = frozenset({1, 10, 11, 16})
"""Floating point, as TensorProto.DataType has it: 32, 16 and 64 bits, and bfloat16."""
TYPES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""The types that tensors may have, numbers and booleans, and how many bytes a number takes."""
_DIVISORS = (
    "strides dilations kernel_shape group num_groups num_outputs blocksize hidden_size size"
)
POSITIVE = frozenset([*_DIVISORS.split(), "stash_type"])
"""Attributes of whole numbers from 1: the engine divides by them."""
NATURAL = frozenset({"pads", "output_padding", "output_shape", "batch_dims"})
"""Attributes of whole numbers from 0."""


def allowed(domain: str, name: str, more: tuple[str, ...]) -> bool:
    """Whether an operator is allowed, by itself or by the caller, as `Name` or `domain:Name`."""
    if domain in DOMAINS:
        return name in GIVES or name in more
    return f"{domain}:{name}" in more
