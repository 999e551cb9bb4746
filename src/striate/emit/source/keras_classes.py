"""The functions and layers that Keras source brings along for what Keras does not have."""

from __future__ import annotations

FUNCTIONS = {
    "scaled_tanh": '''\
def scaled_tanh(x):
    """1.7159 tanh(2x/3), which is 1 at 1 (LeCun and others 1998, appendix A)."""
    return 1.7159 * ops.tanh(2 / 3 * x)
''',
    "gelu_tanh": '''\
def gelu_tanh(x):
    """GELU with the normal distribution approximated by a tanh."""
    return ops.gelu(x, approximate=True)
''',
    "channel_shuffle": '''\
def channel_shuffle(x, groups):
    """The maps of groups interleaved."""
    height, width, channels = x.shape[1:]
    x = layers.Reshape((height, width, groups, channels // groups))(x)
    x = layers.Permute((1, 2, 4, 3))(x)
    return layers.Reshape((height, width, channels))(x)
''',
    "Subsampling2D": '''\
class Subsampling2D(layers.Layer):
    """The sum of each window, times one learned weight, plus one learned bias, for each map."""

    def __init__(self, pool_size, strides=None, **kwargs):
        super().__init__(**kwargs)
        self.pool = layers.AveragePooling2D(pool_size, strides)
        self.area = self.pool.pool_size[0] * self.pool.pool_size[1]

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1],), initializer="ones", name="kernel")
        self.bias = self.add_weight(shape=(shape[-1],), initializer="zeros", name="bias")

    def call(self, x):
        return self.pool(x) * self.area * self.kernel + self.bias
''',
    "TableConv2D": '''\
class TableConv2D(layers.Layer):
    """A convolution whose filters see only the input maps that a table lists, a row for each filter.

    The kernel has one window for each link of the table, row by row, on its last axis.
    """

    def __init__(self, table, kernel_size, strides=1, dilation_rate=1, activation=None, use_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.table, self.use_bias = table, use_bias
        self.kernel_size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        self.strides, self.dilation_rate = strides, dilation_rate
        self.activation = keras.activations.get(activation)

    def build(self, shape):
        links = [(maps, row) for row, sources in enumerate(self.table) for maps in sources]
        self.shape = (shape[-1], len(self.table))
        self.places = [[maps * len(self.table) + row] for maps, row in links]
        self.kernel = self.add_weight(shape=(*self.kernel_size, len(links)), name="kernel")
        if self.use_bias:
            self.bias = self.add_weight(shape=(len(self.table),), initializer="zeros", name="bias")

    def call(self, x):
        area, (channels, filters) = self.kernel_size[0] * self.kernel_size[1], self.shape
        windows = ops.transpose(ops.reshape(self.kernel, (area, -1)))
        dense = ops.scatter(ops.convert_to_tensor(self.places), windows, (channels * filters, area))
        dense = ops.reshape(ops.transpose(dense), (*self.kernel_size, channels, filters))
        x = ops.conv(x, dense, self.strides, "valid", "channels_last", self.dilation_rate)
        return self.activation(x + self.bias if self.use_bias else x)
''',
    "LowestPadding2D": '''\
class LowestPadding2D(layers.Layer):
    """Minus infinity around the maps, so that no maximum is taken of it."""

    def __init__(self, padding, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding

    def call(self, x):
        return ops.pad(x, ((0, 0), *self.padding, (0, 0)), constant_values=float("-inf"))
''',
    "PaddedAveragePooling2D": '''\
class PaddedAveragePooling2D(layers.Layer):
    """The mean of each window of maps that zeros surround.

    Of these zeros those of `counted` count as values, the others, which lie outside them, do not.
    """

    def __init__(self, pool_size, strides, padding, counted, **kwargs):
        super().__init__(**kwargs)
        self.pool = layers.AveragePooling2D(pool_size, strides)
        self.padding, self.counted = padding, counted
        self.rest = [(a - b, c - d) for (a, c), (b, d) in zip(padding, counted)]

    def call(self, x):
        values = ops.pad(ops.ones_like(x[:1, :, :, :1]), ((0, 0), *self.counted, (0, 0)), constant_values=1.0)
        values = self.pool(ops.pad(values, ((0, 0), *self.rest, (0, 0))))
        return self.pool(ops.pad(x, ((0, 0), *self.padding, (0, 0)))) / values
''',
    "LocalResponseNormalization": '''\
class LocalResponseNormalization(layers.Layer):
    """x / (k + alpha * the sum of the squares of `size` adjacent maps) ** beta."""

    def __init__(self, size=5, alpha=1e-4, beta=0.75, k=2.0, **kwargs):
        super().__init__(**kwargs)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def call(self, x):
        sides = (self.size // 2, (self.size - 1) // 2)
        squares = ops.pad(ops.square(x), ((0, 0), (0, 0), (0, 0), sides))
        total = sum(squares[..., i : i + x.shape[-1]] for i in range(self.size))
        return x / (self.k + self.alpha * total) ** self.beta
''',
    "PadChannels": '''\
class PadChannels(layers.Layer):
    """Maps of zeros behind the last, up to a number of channels."""

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels

    def call(self, x):
        return ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, self.channels - x.shape[-1])))
''',
    "Scale": '''\
class Scale(layers.Layer):
    """Each map, or feature, times a learned weight."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

    def call(self, x):
        return x * self.scale
''',
    "PositionBias": '''\
class PositionBias(layers.Layer):
    """A learned bias for every value."""

    def build(self, shape):
        self.bias = self.add_weight(shape=shape[1:], initializer="zeros", name="bias")

    def call(self, x):
        return x + self.bias
''',
    "RBF": '''\
class RBF(layers.Layer):
    """The squared distance to each of fixed centres: the smaller, the nearer."""

    def __init__(self, centres, **kwargs):
        super().__init__(**kwargs)
        self.centres = centres

    def call(self, x):
        centres = ops.convert_to_tensor(self.centres, dtype=x.dtype)
        return ops.sum(ops.square(x[:, None, :] - centres), axis=2)
''',
}
"""The source of each, by name."""
