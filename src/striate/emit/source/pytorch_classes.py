"""The classes that PyTorch source brings along for what `torch.nn` does not have."""

from __future__ import annotations

CLASSES = {
    "ScaledTanh": '''\
class ScaledTanh(nn.Module):
    """1.7159 tanh(2x/3), which is 1 at 1 (LeCun and others 1998, appendix A)."""

    def forward(self, x):
        return 1.7159 * torch.tanh(2 / 3 * x)
''',
    "Subsample": '''\
class Subsample(nn.Module):
    """The sum of each window, times one learned weight, plus one learned bias, for each map."""

    def __init__(self, channels, kernel_size, stride=None):
        super().__init__()
        self.pool = nn.AvgPool2d(kernel_size, stride, divisor_override=1)
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        return self.pool(x) * self.weight[:, None, None] + self.bias[:, None, None]
''',
    "TableConv2d": '''\
class TableConv2d(nn.Module):
    """A convolution whose filters see only the input maps that a table lists, a row for each filter.

    `weight` has one kernel for each link, row by row. `sides`: zeros at (left, right, top, bottom).
    """

    def __init__(self, in_channels, table, kernel_size, stride=1, sides=None, dilation=1, bias=True):
        super().__init__()
        kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        links = [row * in_channels + each for row, maps in enumerate(table) for each in maps]
        self.shape = (len(table), in_channels, *kernel)
        self.stride, self.sides, self.dilation = stride, sides, dilation
        self.register_buffer("links", torch.tensor(links), persistent=False)
        self.weight = nn.Parameter(torch.empty(len(links), *kernel).uniform_(-0.1, 0.1))
        self.bias = nn.Parameter(torch.zeros(len(table))) if bias else None

    def forward(self, x):
        filters, channels, height, width = self.shape
        weight = self.weight.new_zeros(filters * channels, height, width)
        weight = weight.index_copy(0, self.links, self.weight).view(self.shape)
        x = F.pad(x, self.sides) if self.sides else x
        return F.conv2d(x, weight, self.bias, self.stride, dilation=self.dilation)
''',
    "PaddedConv2d": '''\
class PaddedConv2d(nn.Conv2d):
    """A convolution of maps with zeros around them, not the same on each side: (left, right, top, bottom)."""

    def __init__(self, *args, sides, **kwargs):
        super().__init__(*args, **kwargs)
        self.sides = sides

    def forward(self, x):
        return super().forward(F.pad(x, self.sides))
''',
    "PaddedAvgPool2d": '''\
class PaddedAvgPool2d(nn.Module):
    """The mean of each window of maps that zeros at `sides` (left, right, top, bottom) surround.

    Of these zeros those at the `counted` sides count as values, the others not.
    """

    def __init__(self, kernel_size, stride=None, *, sides, counted):
        super().__init__()
        self.pool = nn.AvgPool2d(kernel_size, stride)
        self.sides, self.counted = sides, counted
        self.rest = [side - own for side, own in zip(sides, counted)]

    def forward(self, x):
        values = F.pad(torch.ones_like(x[:1, :1]), self.counted, value=1.0)
        return self.pool(F.pad(x, self.sides)) / self.pool(F.pad(values, self.rest))
''',
    "PadChannels": '''\
class PadChannels(nn.Module):
    """Maps of zeros behind the last, up to a number of channels."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, x):
        return F.pad(x, (0, 0, 0, 0, 0, self.channels - x.shape[1]))
''',
    "Scale": '''\
class Scale(nn.Module):
    """Each map, or feature, times a learned weight."""

    def __init__(self, channels, dimensions=1):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.dimensions = dimensions

    def forward(self, x):
        return x * self.weight.view(-1, *[1] * (self.dimensions - 1))
''',
    "PositionBias": '''\
class PositionBias(nn.Module):
    """A learned bias for every value."""

    def __init__(self, *shape):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        return x + self.bias
''',
    "RBF": '''\
class RBF(nn.Module):
    """The squared distance to each of fixed centres: the smaller, the nearer."""

    def __init__(self, centres):
        super().__init__()
        self.register_buffer("centres", torch.as_tensor(centres, dtype=torch.get_default_dtype()))

    def forward(self, x):
        return (x[:, None, :] - self.centres).square().sum(2)
''',
    "Auxiliary": '''\
class Auxiliary(nn.Sequential):
    """A head for training: its input goes on unchanged, and `head_output` keeps what its layers make of it."""

    def forward(self, x):
        self.head_output = super().forward(x) if self.training else None
        return x
''',
}
"""The source of each, by name."""

_MEMBERS = """
T_destination add_module append apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches
eval extend extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half insert ipu
load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters pop
register_backward_hook register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state
set_submodule share_memory state_dict to to_empty train training type xpu zero_grad head_output _apply _backward_hooks
_backward_pre_hooks _buffers _call_impl _compiled_call_impl _forward_hooks _forward_hooks_always_called
_forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs _get_backward_hooks
_get_backward_pre_hooks _get_item_by_idx _get_name _is_full_backward_hook _load_from_state_dict
_load_state_dict_post_hooks _load_state_dict_pre_hooks _maybe_warn_non_full_backward_hook _modules _named_members
_non_persistent_buffers_set _parameters _register_load_state_dict_pre_hook _register_state_dict_hook
_replicate_for_data_parallel _save_to_state_dict _slow_forward _state_dict_hooks _state_dict_pre_hooks _version
_wrapped_call_impl
"""
MEMBERS = frozenset(_MEMBERS.split())
"""The members of PyTorch's `nn.Sequential`, which a layer cannot be called like."""
