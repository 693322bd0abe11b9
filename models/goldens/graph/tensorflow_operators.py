#!/usr/bin/env python3
"""Writes the goldens of TensorFlow's operators: for each a small frozen graph with random inputs, and what TensorFlow makes of them.

usage: python3 tensorflow_operators.py [FOLDER]
needs: pip install tensorflow-cpu numpy safetensors   (the version is written into tensorflow-version.txt)

Everything lies in FOLDER (by default that of this script): tensorflow/CASE.pb, and tensorflow.safetensors with CASE/in/NAME and CASE/out/NAME.
"""
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy
import tensorflow
from safetensors.numpy import save_file

tf = tensorflow.compat.v1
FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
DICE = numpy.random.default_rng(18)
CASES = {}


def numbers(*sides):
    return DICE.normal(size=sides).astype(numpy.float32)


def plain(value):
    if value.dtype == numpy.bool_:
        value = value.astype(numpy.uint8)
    if value.dtype == numpy.int32:
        value = value.astype(numpy.int64)
    return numpy.ascontiguousarray(value).reshape(value.shape)


def case(name, make, *inputs):
    """`make` takes placeholders, and returns a tensor or several."""
    with tensorflow.Graph().as_default() as graph:
        places = [tf.placeholder(value.dtype, value.shape, name=f"x{at}") for at, value in enumerate(inputs)]
        made = make(*places)
        made = made if isinstance(made, (list, tuple)) else [made]
        made = [tf.identity(one, name=f"y{at}") for at, one in enumerate(made)]
        with tf.Session(graph=graph) as session:
            results = session.run(made, dict(zip(places, inputs)))
        data = graph.as_graph_def().SerializeToString()
    (FOLDER / "tensorflow").mkdir(exist_ok=True)
    (FOLDER / "tensorflow" / f"{name}.pb").write_bytes(data)
    for at, value in enumerate(inputs):
        CASES[f"{name}/in/x{at}"] = plain(value)
    for at, value in enumerate(results):
        CASES[f"{name}/out/y{at}"] = plain(numpy.asarray(value))


def pictures():
    x = numbers(2, 9, 11, 4)
    w, d, b = numbers(3, 3, 4, 6), numbers(3, 3, 4, 1), numbers(6)
    case("conv", lambda x: tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"), x)
    case("conv_stride", lambda x: tf.nn.relu6(tf.nn.bias_add(tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME"), b)), x)
    case("conv_valid", lambda x: tf.nn.conv2d(x, w, [1, 1, 2, 1], "VALID", dilations=[1, 2, 1, 1]), x)
    case("conv_explicit", lambda x: tf.nn.conv2d(x, w, [1, 1, 1, 1], [[0, 0], [1, 2], [0, 3], [0, 0]]), x)
    case("depthwise", lambda x: tf.nn.depthwise_conv2d(x, d, [1, 2, 2, 1], "SAME"), x)
    case("depthwise_twice", lambda x: tf.nn.depthwise_conv2d(x, numbers(3, 3, 4, 2), [1, 1, 1, 1], "SAME"), x)
    case("transposed", lambda x: tf.nn.conv2d_transpose(x, numbers(3, 3, 5, 4), [2, 18, 22, 5], [1, 2, 2, 1], "SAME"), x)
    case("transposed_valid", lambda x: tf.nn.conv2d_transpose(x, numbers(2, 2, 5, 4), [2, 18, 22, 5], [1, 2, 2, 1], "VALID"), x)
    case("max_pool", lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME"), x)
    case("average_pool", lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME"), x)
    scale, mean, variance = numbers(4), numbers(4), numpy.abs(numbers(4)) + 0.1
    case("batch_norm", lambda x: tf.nn.fused_batch_norm(x, scale, mean, mean, variance, is_training=False)[0], x)
    for name, corners, half in [("asymmetric", False, False), ("corners", True, False), ("half", False, True)]:
        case(f"bilinear_{name}", lambda x: tf.raw_ops.ResizeBilinear(images=x, size=[5, 20], align_corners=corners, half_pixel_centers=half), x)
        case(f"nearest_{name}", lambda x: tf.raw_ops.ResizeNearestNeighbor(images=x, size=[5, 20], align_corners=corners, half_pixel_centers=half), x)
    case("depth_to_space", lambda x: tf.nn.depth_to_space(x, 2), x)
    case("space_to_depth", lambda x: tf.nn.space_to_depth(x, 2), numbers(1, 4, 6, 3))

    def mixed(x):
        """Number by number behind a window, and what needs the axes of the file."""
        c = tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME")
        h = c * tf.nn.relu6(c + 3) / 6
        s = tf.nn.sigmoid(tf.reduce_mean(h, [1, 2], keepdims=True)) * h
        p = tf.concat([tf.pad(s, [[0, 0], [1, 0], [0, 2], [0, 0]]), numpy.ones((2, 10, 13, 2), numpy.float32)], 3)
        return [tf.reshape(p, [2, -1, 8]), tf.reduce_mean(s, [1, 2]), c - numbers(1, 1, 6) + numbers(9, 11, 6)]

    case("mixed", mixed, x)


def others():
    x = numbers(2, 3, 4)
    case("slices", lambda x: [x[:, 1:, ::-1], x[..., -1], x[0, tensorflow.newaxis, :, 1:3], x[-1:, ..., ::2, tensorflow.newaxis]], x)
    case("slice", lambda x: tf.slice(x, [0, 1, 1], [2, -1, 2]), x)
    case("stack", lambda x: [tf.stack([x, x * 2], axis=1), *tf.unstack(x, axis=1)], x)
    case("split", lambda x: [*tf.split(x, 2, axis=2), *tf.split(x, [1, 2], axis=1)], x)
    case("matmul", lambda x, y: tf.matmul(x, y, transpose_a=True), numbers(5, 4), numbers(5, 6))
    case("batch_matmul", lambda x, y: tf.matmul(x, y, transpose_b=True), numbers(2, 3, 4), numbers(2, 5, 4))
    case("gather", lambda x, i: [tf.gather(x, i, axis=1), tf.gather_nd(x, [[0, 1], [1, 2]])], x, numpy.array([[0, 2], [1, 1]], numpy.int32))
    case("top_k", lambda x: tf.nn.top_k(x, 3), numbers(3, 9))
    case("arg_max", lambda x: tf.argmax(x, 1), x)
    case("reduce", lambda x: [tf.reduce_sum(x, 1), tf.reduce_max(x, [0, 2], keepdims=True), tf.reduce_prod(x, -1), tf.reduce_min(x)], x)
    case("shapes", lambda x: [tf.expand_dims(x, -1), tf.squeeze(x[:, :1], [1]), tf.transpose(x, [2, 0, 1]), tf.tile(x, [1, 2, 1]), tf.reshape(x, tf.stack([tf.shape(x)[0], -1]))], x)
    case("fill", lambda x: tf.fill(x, 2.5), numpy.array([2, 3], numpy.int32))
    case("range", lambda x: tf.range(x, 10, 3), numpy.array(1, numpy.int32))
    case("select", lambda x, y: [tf.where_v2(x > y, x, y), tf.cast(x > y, tensorflow.float32)], x, numbers(3, 1))
    case("whole", lambda x: [x // 4, x % 4, tf.cast(x, tensorflow.float32)], numpy.array([9, -9, 7], numpy.int32))
    case("functions", lambda x: [tf.nn.leaky_relu(x, 0.3), tf.nn.elu(x), tf.math.rsqrt(tf.square(x) + 1), tf.nn.softplus(x), tf.tanh(x), tf.nn.softmax(x), tf.math.squared_difference(x, x * 2), tf.maximum(x, 0.1), tf.math.floormod(x, 0.7)], x)
    case("mirror", lambda x: [tf.pad(x, [[0, 0], [1, 2], [2, 1]], mode="REFLECT"), tf.pad(x, [[0, 0], [1, 2], [2, 1]], mode="SYMMETRIC"), tf.pad(x, [[0, 0], [1, 2], [2, 1]], constant_values=1.5)], x)
    case("add_n", lambda x, y: tf.add_n([x, y, x]), x, numbers(2, 3, 4))


def main():
    pictures()
    others()
    save_file(CASES, FOLDER / "tensorflow.safetensors")
    (FOLDER / "tensorflow-version.txt").write_text(f"tensorflow {tensorflow.__version__}\n")


main()
