"""The functions and layers that Lasagne source brings along for what Lasagne does not have."""

from __future__ import annotations

FUNCTIONS = {
    "scaled_tanh": """\
# 1.7159 tanh(2x/3), which is 1 at 1 (LeCun and others 1998, appendix A)
scaled_tanh = lasagne.nonlinearities.ScaledTanh(scale_in=2 / 3, scale_out=1.7159)
""",
    "relu6": """\
def relu6(x):
    return T.clip(x, 0, 6)
""",
    "silu": """\
def silu(x):
    return x * T.nnet.sigmoid(x)
""",
    "hard_sigmoid": """\
def hard_sigmoid(x):
    return T.clip(x + 3, 0, 6) / 6
""",
    "hard_swish": """\
def hard_swish(x):
    return x * T.clip(x + 3, 0, 6) / 6
""",
    "gelu": """\
def gelu(x):
    return 0.5 * x * (1 + T.erf(x / 2**0.5))
""",
    "gelu_tanh": """\
def gelu_tanh(x):
    return 0.5 * x * (1 + T.tanh((2 / 3.141592653589793) ** 0.5 * (x + 0.044715 * x**3)))
""",
    "sloped_elu": """\
def sloped_elu(alpha):
    return lambda x: T.switch(x > 0, x, alpha * T.expm1(x))
""",
    "TableConv2DLayer": '''\
class TableConv2DLayer(lasagne.layers.Layer):
    """A convolution whose filters see only the input maps that a table lists, a row for each filter.

    W has one kernel for each link of the table, row by row.
    """

    def __init__(self, incoming, table, filter_size, stride=1, dilation=1, nonlinearity=None, b=0.0, **kwargs):
        super().__init__(incoming, **kwargs)
        self.channels, self.filters = self.input_shape[1], len(table)
        self.size, self.stride, self.dilation = (
            (each, each) if isinstance(each, int) else each for each in (filter_size, stride, dilation)
        )
        self.links = [row * self.channels + each for row, maps in enumerate(table) for each in maps]
        self.W = self.add_param(lasagne.init.Uniform(0.1), (len(self.links), *self.size), name="W")
        if b is not None:
            b = self.add_param(lasagne.init.Constant(b), (self.filters,), name="b", regularizable=False)
        self.b = b
        self.nonlinearity = nonlinearity or lasagne.nonlinearities.identity

    def get_output_shape_for(self, shape):
        sides = zip(shape[2:], self.size, self.stride, self.dilation)
        return (shape[0], self.filters, *((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in sides))

    def get_output_for(self, input, **kwargs):
        dense = T.zeros((self.filters * self.channels, *self.size))
        dense = T.set_subtensor(dense[self.links], self.W)
        dense = dense.reshape((self.filters, self.channels, *self.size))
        maps = T.nnet.conv2d(
            input, dense, subsample=self.stride, filter_flip=False, filter_dilation=self.dilation
        )
        return self.nonlinearity(maps if self.b is None else maps + self.b.dimshuffle("x", 0, "x", "x"))
''',
    "GateLayer": '''\
class GateLayer(lasagne.layers.MergeLayer):
    """Maps times one factor each."""

    def get_output_shape_for(self, shapes):
        return shapes[0]

    def get_output_for(self, inputs, **kwargs):
        maps, factors = inputs
        return maps * factors.flatten(2).dimshuffle(0, 1, "x", "x")
''',
    "RBFLayer": '''\
class RBFLayer(lasagne.layers.Layer):
    """The squared distance to each of fixed centres: the smaller, the nearer."""

    def __init__(self, incoming, centres, **kwargs):
        super().__init__(incoming, **kwargs)
        self.centres = T.constant(centres, dtype=theano.config.floatX)
        self.units = len(centres)

    def get_output_shape_for(self, shape):
        return (shape[0], self.units)

    def get_output_for(self, input, **kwargs):
        return T.sum(T.sqr(input.dimshuffle(0, "x", 1) - self.centres), axis=2)
''',
    "shuffle": '''\
def shuffle(x, groups):
    """The maps of groups interleaved."""
    x = ReshapeLayer(x, ([0], groups, -1, [2], [3]))
    x = DimshuffleLayer(x, (0, 2, 1, 3, 4))
    return ReshapeLayer(x, ([0], -1, [3], [4]))
''',
}
"""The source of each, by name."""
