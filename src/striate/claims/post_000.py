"""Post 000: a "LeNet-5" in Keras for 64×64 colour images, and a comparison with a fully connected layer."""

from __future__ import annotations

from striate.claims.claim import Claim, Verdict
from striate.claims.questions import NOT_THE_FIRST, alone, counted, layer, listed, out, split, totals, year
from striate.description.layers import Activation, Linear, Pool
from striate.description.shapes import show

RIGHT, CAVEAT, WRONG = Verdict
TABLE, CODE, FLAT = "lenet5-keras-table", "lenet5-keras", "fully-connected"


def _code_ratio(measure: str) -> str:
    return f"{getattr(totals(CODE), measure) / getattr(totals(FLAT), measure):.2f}"


def _linears(name: str) -> str:
    return listed([row.words for row in counted(name).rows if isinstance(row.step.layer, Linear)])


CLAIMS = (
    Claim(
        1,
        "000",
        "The team of LeNet-5 was the first to develop a CNN, in 1998.",
        WRONG,
        "lenet1 1989, lenet5 1998",
        lambda: listed([year(name) for name in ("lenet1", "lenet5")]),
        NOT_THE_FIRST,
    ),
    Claim(
        2,
        "000",
        "The layers of LeNet-5 are C1, S2, C3, S4, C5, F6 and the output.",
        RIGHT,
        "C1, S2, C3, S4, C5, F6, output",
        lambda: listed([row.path for row in counted("lenet5").rows if row.counts.connections]),
    ),
    Claim(
        3,
        "000",
        "C5 is a flatten layer.",
        WRONG,
        "conv 120 5×5: 48,120 (48,000 weights, 120 biases)",
        lambda: f"{layer('lenet5', 'C5').words}: {split(layer('lenet5', 'C5').counts)}",
        "C5 is a convolution with 120 filters as large as its input; a flatten has no parameters.",
    ),
    Claim(
        4,
        "000",
        "LeNet-5 has one fully connected layer, F6.",
        CAVEAT,
        "F6 10,164 connections, output 840",
        lambda: (
            f"F6 {layer('lenet5', 'F6').counts.connections:,} connections, output "
            f"{layer('lenet5', 'output').counts.connections:,}"
        ),
        "The ten RBF units of the output read all 84 values of F6 too, with fixed weights.",
    ),
    Claim(
        5,
        "000",
        "The original network uses tanh.",
        CAVEAT,
        "scaled tanh",
        lambda: listed(sorted({row.words for row in counted("lenet5").rows if isinstance(row.step.layer, Activation)})),
        "It is 1.7159·tanh(2a/3), which gives ±1 for ±1.",
    ),
    Claim(
        6,
        "000",
        "The network of the code is LeNet-5.",
        WRONG,
        "3×64×64, 388,502 parameters; LeNet-5 1×32×32, 60,000",
        lambda: (
            f"{show(counted(CODE).input)}, {totals(CODE).parameters:,} parameters; LeNet-5 "
            f"{show(counted('lenet5').input)}, {totals('lenet5').parameters:,}"
        ),
        "Another input, 3×3 filters, max pooling, ReLU and softmax make it another network.",
    ),
    Claim(
        7,
        "000",
        "The second convolution has a 4×4 filter.",
        WRONG,
        "table conv 16 4×4, code conv 16 3×3",
        lambda: f"table {layer(TABLE, 'conv2').words}, code {layer(CODE, 'conv2').words}",
        "So the tables say; the post's own code has 3×3.",
    ),
    Claim(
        8,
        "000",
        "The softmax layer follows the flatten.",
        WRONG,
        "table linear 10; code linear 120, linear 84, linear 10",
        lambda: f"table {_linears(TABLE)}; code {_linears(CODE)}",
        "So the tables say; the code has two hidden layers in between.",
    ),
    Claim(
        9,
        "000",
        "A convolution has (input maps)·width·height·(filters) parameters.",
        WRONG,
        "168 (162 weights, 6 biases)",
        lambda: split(layer(TABLE, "conv1").counts),
        "Each filter has a bias too, unless it is switched off; in Keras it is there by default.",
    ),
    Claim(10, "000", "(64 − 3)/1 + 1 = 62.", RIGHT, "6×62×62", lambda: out(layer(TABLE, "conv1"))),
    Claim(
        11,
        "000",
        "The first convolution has 162 parameters.",
        CAVEAT,
        "168 (162 weights, 6 biases)",
        lambda: split(layer(TABLE, "conv1").counts),
        "162 are the weights alone.",
    ),
    Claim(
        12,
        "000",
        "The first pooling gives 31×31×6 and has no parameters.",
        RIGHT,
        "6×31×31, 0 parameters",
        lambda: f"{out(layer(TABLE, 'pool1'))}, {layer(TABLE, 'pool1').counts.parameters} parameters",
    ),
    Claim(
        150,
        "000",
        "Both poolings have stride 1.",
        WRONG,
        "stride 1: 6×61×61; stride 2: 6×31×31",
        lambda: (
            f"stride 1: {out(alone((6, 62, 62), Pool('max', kernel=2, stride=1)))}; stride 2: "
            f"{out(alone((6, 62, 62), Pool('max', kernel=2)))}"
        ),
        "So the table says; the sizes in it, and the code, have stride 2.",
    ),
    Claim(
        13,
        "000",
        "The second convolution gives (31 − 4)/1 + 1 = 28, so 28×28×16.",
        CAVEAT,
        "4×4: 16×28×28; 3×3: 16×29×29",
        lambda: f"4×4: {out(layer(TABLE, 'conv2'))}; 3×3: {out(layer(CODE, 'conv2'))}",
        "Right for the 4×4 filter of the table; the code has 3×3.",
    ),
    Claim(
        14,
        "000",
        "The second convolution has 1,536 parameters.",
        CAVEAT,
        "4×4: 1,552 (1,536 weights, 16 biases); 3×3: 880 (864 weights, 16 biases)",
        lambda: f"4×4: {split(layer(TABLE, 'conv2').counts)}; 3×3: {split(layer(CODE, 'conv2').counts)}",
        "1,536 are the weights of the table's filter alone.",
    ),
    Claim(
        15,
        "000",
        "The second pooling gives 14×14×16.",
        RIGHT,
        "table 16×14×14, code 16×14×14",
        lambda: f"table {out(layer(TABLE, 'pool2'))}, code {out(layer(CODE, 'pool2'))}",
        "28/2 and 29/2 rounded down are both 14.",
    ),
    Claim(16, "000", "The flatten gives 3,136 values.", RIGHT, "3136", lambda: out(layer(TABLE, "flatten1"))),
    Claim(
        17,
        "000",
        "The softmax layer has 31,360 parameters.",
        CAVEAT,
        "table 31,370 (31,360 weights, 10 biases); code 850 (840 weights, 10 biases)",
        lambda: f"table {split(layer(TABLE, 'linear1').counts)}; code {split(layer(CODE, 'linear3').counts)}",
        "31,360 are the weights; in the code two hidden layers stand before, and the last one is small.",
    ),
    Claim(
        18,
        "000",
        "The network has 33,058 parameters.",
        WRONG,
        "table 33,090 (33,058 weights, 32 biases); code 388,502",
        lambda: f"table {split(totals(TABLE))}; code {totals(CODE).parameters:,}",
        "The table leaves out the biases and the hidden layers of 120 and 84 units that the code has.",
    ),
    Claim(19, "000", "64·64·3 = 12,288.", RIGHT, "12288", lambda: out(layer(FLAT, "flatten1"))),
    Claim(
        20,
        "000",
        "One fully connected layer from the image to ten classes has 122,880 parameters.",
        CAVEAT,
        "122,890 (122,880 weights, 10 biases)",
        lambda: split(totals(FLAT)),
        "The weights alone.",
    ),
    Claim(
        21,
        "000",
        "The fully connected layer takes about four times the computation of the convolutional network.",
        WRONG,
        "1,858,312 MACs against 122,880: the convolutional network takes 15.1 times more",
        lambda: (
            f"{totals(TABLE).macs:,} MACs against {totals(FLAT).macs:,}: the convolutional network takes "
            f"{totals(TABLE).macs / totals(FLAT).macs:.1f} times more"
        ),
        "The ratio of the parameters is 3.7. A convolution uses each weight at every place, so it takes more MACs.",
    ),
    Claim(
        22,
        "000",
        "So the convolutional network has fewer parameters and is faster.",
        WRONG,
        "as coded 3.16 times the parameters and 14.13 times the MACs",
        lambda: f"as coded {_code_ratio('parameters')} times the parameters and {_code_ratio('macs')} times the MACs",
        "The network of the code has more of both than the fully connected layer.",
    ),
    Claim(
        23,
        "000",
        "The original network turns maps into a vector with filters as large as the maps.",
        RIGHT,
        "16×5×5 under conv 120 5×5 gives 120×1×1",
        lambda: (
            f"{show(layer('lenet5', 'C5').step.inputs[0])} under {layer('lenet5', 'C5').words} gives "
            f"{out(layer('lenet5', 'C5'))}"
        ),
    ),
)
