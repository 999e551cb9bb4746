"""Networks of Keras as ONNX files: `python keras_networks.py FOLDER NAME OPSET...`, by the backend that is set.

With TensorFlow they go through tf2onnx, with PyTorch through Keras's own export. Beside the files stand images, and
what Keras counts of the network. This file is run by a Python of its own, which need not have Striate.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

TOP: dict[str, Any] = {"weights": None, "classes": 10}
APPLICATIONS: dict[str, tuple[str, int]] = {
    "mobilenet": ("MobileNet", 96),
    "mobilenet_v2": ("MobileNetV2", 96),
    "mobilenet_v3_small": ("MobileNetV3Small", 96),
    "resnet50": ("ResNet50", 64),
    "resnet50v2": ("ResNet50V2", 64),
    "vgg16": ("VGG16", 32),
    "densenet121": ("DenseNet121", 64),
    "efficientnet_b0": ("EfficientNetB0", 64),
    "inception_v3": ("InceptionV3", 96),
    "xception": ("Xception", 96),
    "nasnet_mobile": ("NASNetMobile", 64),
}


def lenet() -> Any:
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def padded() -> Any:
    """Uneven padding, zeros before windows, an activation with a limit."""
    return keras.Sequential(
        [
            keras.Input((32, 28, 3)),
            layers.Conv2D(6, 5, padding="same", strides=2, activation="relu"),
            layers.MaxPooling2D(3, 2, padding="same"),
            layers.ZeroPadding2D(1),
            layers.Conv2D(8, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.ZeroPadding2D(((0, 1), (1, 0))),
            layers.MaxPooling2D(3, 2),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


def excited() -> Any:
    """Gates of maps and of vectors, every activation, branches, upsampling."""
    images = keras.Input((32, 32, 3))
    value = layers.Rescaling(1 / 127.5, -1)(images)
    value = layers.Conv2D(16, 3, 2, padding="same")(value)
    value = layers.Activation("silu")(layers.BatchNormalization()(value))
    gate = layers.Conv2D(4, 1, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(value))
    value = layers.Multiply()([value, layers.Conv2D(16, 1, activation="hard_sigmoid")(gate)])
    gate = layers.Reshape((1, 1, 16))(layers.GlobalAveragePooling2D()(value))
    gate = layers.Dense(16, activation="sigmoid")(layers.Dense(4, activation="relu")(gate))
    value = layers.Multiply()([value, gate])
    body = layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(value))
    body = layers.SeparableConv2D(16, 3, padding="same")(layers.Activation("hard_silu")(body))
    value = layers.Add()([value, body])
    means = layers.AveragePooling2D(3, 1, padding="same")(value)
    value = layers.Concatenate()([layers.Conv2D(5, 1)(value), layers.Conv2D(6, 3, padding="same")(value), means])
    value = layers.UpSampling2D(2)(layers.LeakyReLU(negative_slope=0.2)(value))
    value = layers.Conv2D(8, 3, strides=2, padding="same")(value)
    value = layers.Conv2D(8, 3, dilation_rate=2, padding="same", activation="elu")(value)
    return keras.Model(images, layers.Softmax()(layers.Dense(10)(layers.GlobalMaxPooling2D()(value))))


def make(name: str) -> Any:
    if name in APPLICATIONS:
        function, size = APPLICATIONS[name]
        return getattr(keras.applications, function)(input_shape=(size, size, 3), **TOP)
    return {"lenet": lenet, "padded": padded, "excited": excited}[name]()


def settle(model: Any, random: np.random.Generator) -> None:
    """Biases, scales and statistics that all matter."""
    for each in model.weights:
        shape, kind = tuple(each.shape), each.path.rsplit("/", 1)[-1]
        values = {
            "moving_variance": random.uniform(0.5, 2, shape),
            "moving_mean": random.normal(0, 0.2, shape),
            "gamma": random.uniform(0.5, 1.5, shape),
            "beta": random.normal(0, 0.1, shape),
            "bias": random.normal(0, 0.1, shape),
        }
        if kind in values:
            each.assign(values[kind].astype("float32"))


def macs(model: Any) -> int:
    """By hand: each weight of a kernel at each place, each weight of a dense layer once."""
    total = 0
    for each in model.layers:
        places = int(np.prod(each.output.shape[1:3])) if len(each.output.shape) == 4 else 1
        kernels = [part for part in each.weights if part.path.rsplit("/", 1)[-1].endswith("kernel")]
        total += places * sum(int(np.prod(part.shape)) for part in kernels)
    return total


def write(model: Any, file: Path, opset: int) -> None:
    if keras.backend.backend() == "torch":
        model.export(str(file), format="onnx", verbose=False, opset_version=opset)
        return
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)]
    call = tf.function(lambda images: model(images, training=False), input_signature=signature)
    tf2onnx.convert.from_function(call, input_signature=signature, opset=opset, output_path=str(file))


def main(folder: Path, name: str, opsets: list[int]) -> None:
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(0)
    model = make(name)
    settle(model, random)
    model.trainable = False
    images = random.uniform(0, 1, (2, *model.input_shape[1:])).astype("float32")
    model.predict(images, verbose=0)
    np.save(folder / "images.npy", images)
    kernels = sum(int(np.prod(each.shape)) for each in model.weights if each.path.endswith("kernel"))
    counts = {"parameters": int(model.count_params()), "kernels": kernels, "macs": macs(model)}
    (folder / "counts.json").write_text(json.dumps(counts))
    for opset in opsets:
        write(model, folder / f"{opset}.onnx", opset)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], [int(each) for each in sys.argv[3:]])
