"""Operations that count for no multiply-accumulate, each by its name in fvcore.

They do not multiply by weights or attended values; normalisation and pooling are left out by custom. An operation that
no counter knows and that is not listed here leaves the MACs of a model uncounted.
"""

_ELEMENTWISE = (
    "abs add add_ ceil clamp clamp_min cos cumsum div exp ge isinf max mul mul_ neg pow rand reciprocal rsub sin sub"
)
_REDUCTIONS = "amax argsort linalg_vector_norm mean std std_mean sum"
_SHAPES = "clone expand_as gather index_copy index_select meshgrid nonzero pad pixel_shuffle repeat reshape_as scatter"
_ACTIVATIONS = "gelu hardsigmoid hardsigmoid_ hardswish hardswish_ hardtanh_ relu sigmoid silu silu_ softmax"
_LAYERS = "adaptive_avg_pool2d avg_pool2d batch_norm dropout_ group_norm layer_norm max_pool2d upsample_nearest2d"

FREE = frozenset(
    f"aten::{name}" for names in (_ELEMENTWISE, _REDUCTIONS, _SHAPES, _ACTIVATIONS, _LAYERS) for name in names.split()
)
