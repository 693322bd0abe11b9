#!/usr/bin/env python3
"""Writes the goldens of the graph executor: for each operator a small ONNX file with random inputs, and what onnxruntime makes of them.

usage: python3 make.py [FOLDER]
needs: pip install onnx==1.22.0 onnxruntime==1.30.0 numpy safetensors   (the versions are written into versions.txt)

Everything lies in FOLDER (by default that of this script): onnx/CASE.onnx, and onnx.safetensors with CASE/in/NAME and CASE/out/NAME.
"""
import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
DICE = numpy.random.default_rng(18)
TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "uint8": TensorProto.UINT8, "bool": TensorProto.BOOL, "int32": TensorProto.INT32}
CASES = {}


def numbers(*sides):
    return DICE.normal(size=sides).astype(numpy.float32)


def positive(*sides):
    return (numpy.abs(numbers(*sides)) + 0.1).astype(numpy.float32)


def whole(*numbers):
    return numpy.array(numbers, numpy.int64)


def case(name, operator, inputs, outputs=1, constants=(), version=13, dynamic=False, **attributes):
    """One node. Inputs that are named in `constants` are given by nodes `Constant`; None is one that is left out."""
    names = ["" if value is None else f"x{at}" for at, value in enumerate(inputs)]
    given = {name: value for name, value in zip(names, inputs) if value is not None}
    made = [f"y{at}" for at in range(outputs)]
    nodes = []
    for at in constants:
        tensor = numpy_helper.from_array(inputs[at], f"c{at}")
        nodes.append(helper.make_node("Constant", [], [f"x{at}"], value=tensor))
    nodes.append(helper.make_node(operator, names, made, name=name, **attributes))
    graph(name, nodes, {n: v for n, v in given.items() if int(n[1:]) not in constants}, made, version=version, dynamic=dynamic)


def graph(name, nodes, inputs, outputs, initial=None, version=13, dynamic=False):
    def info(name, value):
        sides = [None] * value.ndim if dynamic else value.shape
        return helper.make_tensor_value_info(name, TYPES[str(value.dtype)], sides)

    initial = [numpy_helper.from_array(value, key) for key, value in (initial or {}).items()]
    made = helper.make_graph(nodes, name, [info(key, value) for key, value in inputs.items()],
                             [onnx.ValueInfoProto(name=output) for output in outputs], initial)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", version)], ir_version=8)
    data = model.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    results = session.run(None, inputs)
    (FOLDER / "onnx").mkdir(exist_ok=True)
    (FOLDER / "onnx" / f"{name}.onnx").write_bytes(data)
    for key, value in inputs.items():
        CASES[f"{name}/in/{key}"] = plain(value)
    for output, value in zip(session.get_outputs(), results):
        CASES[f"{name}/out/{output.name}"] = plain(value)


def plain(value):
    """In the types that the executor computes in."""
    if value.dtype == numpy.bool_:
        value = value.astype(numpy.uint8)
    if value.dtype in (numpy.int32, numpy.int16, numpy.int8):
        value = value.astype(numpy.int64)
    return numpy.ascontiguousarray(value).reshape(value.shape)


def elementwise():
    x = numbers(2, 3, 5)
    for name in ["Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "Neg", "Reciprocal", "Relu", "Round", "Sigmoid", "Sign", "Sin", "Softplus", "Tanh"]:
        case(name.lower(), name, [x * 2])
    for name in ["Log", "Sqrt"]:
        case(name.lower(), name, [positive(2, 3, 5)])
    case("hard_swish", "HardSwish", [x * 4], version=14)
    case("hard_sigmoid", "HardSigmoid", [x * 4], alpha=0.3, beta=0.4)
    case("leaky_relu", "LeakyRelu", [x], alpha=0.2)
    case("elu", "Elu", [x], alpha=0.7)
    case("gelu", "Gelu", [x], version=20)
    case("clip", "Clip", [x, numpy.float32(-0.5), numpy.float32(0.7)], constants=(1, 2))
    case("clip_old", "Clip", [x], version=6 + 1, min=-0.5, max=0.7)
    case("prelu", "PRelu", [numbers(2, 3, 4, 4), numbers(3, 1, 1)])
    y = numbers(3, 1)
    for name in ["Add", "Sub", "Mul", "Div", "Max", "Min"]:
        case(name.lower(), name, [x, y])
    case("pow", "Pow", [positive(2, 3), numbers(3)])
    case("mod", "Mod", [whole(7, -7, 5, -5), whole(3, 3, -3, -3)])
    case("mod_float", "Mod", [x, y], fmod=1)
    case("add_whole", "Add", [whole(1, 2, 3), whole(10)])
    case("div_whole", "Div", [whole(7, -7, 9), whole(2)])
    for name in ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"]:
        case(name.lower(), name, [numpy.round(x), numpy.round(y)])
    truth, other = x > 0, numbers(3, 5) > 0
    for name in ["And", "Or", "Xor"]:
        case(name.lower(), name, [truth, other])
    case("not", "Not", [truth])
    case("where", "Where", [truth, x, numbers(5)])
    case("cast_whole", "Cast", [x * 5], to=TensorProto.INT64)
    case("cast_truth", "Cast", [numpy.array([0, 0.5, -1], numpy.float32)], to=TensorProto.BOOL)
    case("cast_float", "Cast", [whole(1, -2, 3)], to=TensorProto.FLOAT)


def windows():
    x, w, b = numbers(2, 4, 9, 11), numbers(6, 4, 3, 3), numbers(6)
    case("conv", "Conv", [x, w, b], constants=(1, 2), pads=[1, 1, 1, 1])
    case("conv_given", "Conv", [x, w, b], strides=[2, 2], pads=[1, 0, 2, 1])
    case("conv_point", "Conv", [numbers(1, 16, 7, 13), numbers(20, 16, 1, 1)], constants=(1,))
    case("conv_point_stride", "Conv", [numbers(1, 16, 7, 13), numbers(20, 16, 1, 1)], constants=(1,), strides=[2, 3])
    case("conv_dilation", "Conv", [x, w], constants=(1,), dilations=[2, 3], pads=[2, 3, 2, 3])
    case("conv_wide", "Conv", [numbers(1, 3, 6, 130), numbers(9, 3, 3, 5)], constants=(1,), strides=[1, 3], pads=[1, 2, 1, 2], dynamic=True)
    case("conv_groups", "Conv", [x, numbers(6, 2, 3, 3), b], constants=(1, 2), group=2, pads=[1, 1, 1, 1])
    case("conv_same_upper", "Conv", [x, w], constants=(1,), auto_pad="SAME_UPPER", strides=[2, 2])
    case("conv_same_lower", "Conv", [x, w], constants=(1,), auto_pad="SAME_LOWER", strides=[2, 2])
    case("conv_row", "Conv", [numbers(2, 4, 20), numbers(5, 4, 3), numbers(5)], constants=(1, 2), pads=[1, 1], strides=[2])
    case("depthwise", "Conv", [numbers(2, 5, 9, 70), numbers(5, 1, 3, 3), numbers(5)], constants=(1, 2), group=5, pads=[1, 1, 1, 1])
    case("depthwise_stride", "Conv", [numbers(1, 5, 9, 141), numbers(5, 1, 5, 5)], constants=(1,), group=5, pads=[2, 2, 2, 2], strides=[2, 2])
    case("depthwise_uneven", "Conv", [numbers(1, 5, 10, 14), numbers(5, 1, 3, 5)], constants=(1,), group=5, pads=[0, 3, 2, 1], strides=[1, 3], dilations=[2, 2])
    case("depthwise_twice", "Conv", [numbers(1, 3, 9, 11), numbers(6, 1, 3, 3)], constants=(1,), group=3, pads=[1, 1, 1, 1])
    w, b = numbers(4, 5, 3, 3), numbers(5)
    case("transposed", "ConvTranspose", [numbers(2, 4, 5, 6), w, b], constants=(1, 2), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    case("transposed_two", "ConvTranspose", [numbers(1, 4, 5, 6), numbers(4, 3, 2, 2)], constants=(1,), strides=[2, 2])
    case("transposed_dilation", "ConvTranspose", [numbers(1, 4, 5, 6), w], strides=[1, 2], dilations=[2, 1], pads=[0, 1, 1, 0])
    case("transposed_groups", "ConvTranspose", [numbers(1, 4, 5, 6), numbers(4, 3, 3, 3)], group=2, strides=[2, 1])
    case("transposed_same", "ConvTranspose", [numbers(1, 4, 5, 6), w], strides=[2, 2], auto_pad="SAME_UPPER")
    x = numbers(2, 3, 10, 13)
    case("max_pool", "MaxPool", [x], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1])
    case("max_pool_ceil", "MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    case("max_pool_dilation", "MaxPool", [x], kernel_shape=[2, 3], dilations=[2, 3])
    case("average_pool", "AveragePool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    case("average_pool_margins", "AveragePool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    case("average_pool_same", "AveragePool", [x], kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    case("global_average_pool", "GlobalAveragePool", [x])
    case("global_max_pool", "GlobalMaxPool", [x])
    case("depth_to_space", "DepthToSpace", [numbers(1, 8, 3, 4)], blocksize=2)
    case("depth_to_space_crd", "DepthToSpace", [numbers(1, 8, 3, 4)], blocksize=2, mode="CRD")
    case("space_to_depth", "SpaceToDepth", [numbers(1, 2, 4, 6)], blocksize=2)


def resizing():
    x = numbers(1, 2, 5, 7)
    for mode in ["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"]:
        case(f"resize_linear_{mode}", "Resize", [x, None, None, whole(1, 2, 8, 10)], constants=(3,), mode="linear", coordinate_transformation_mode=mode)
    for rounding in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]:
        case(f"resize_nearest_{rounding}", "Resize", [x, None, None, whole(1, 2, 8, 4)], constants=(3,), mode="nearest", nearest_mode=rounding)
    case("resize_factors", "Resize", [x, None, numpy.array([1, 1, 2, 2], numpy.float32)], constants=(2,), mode="nearest",
         coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    case("resize_uneven", "Resize", [x, None, numpy.array([1, 1, 1.7, 0.6], numpy.float32)], constants=(2,), mode="linear")
    case("resize_down", "Resize", [x, None, None, whole(1, 2, 2, 3)], mode="linear")


def matrices():
    case("matmul", "MatMul", [numbers(2, 3, 4, 5), numbers(5, 6)], constants=(1,))
    case("matmul_stretched", "MatMul", [numbers(2, 1, 4, 5), numbers(3, 5, 6)])
    case("matmul_vector", "MatMul", [numbers(5), numbers(3, 5, 6)])
    case("matmul_vectors", "MatMul", [numbers(5), numbers(5)])
    case("matmul_column", "MatMul", [numbers(2, 3, 5), numbers(5)])
    case("gemm", "Gemm", [numbers(5, 4), numbers(6, 5), numbers(6)], transA=1, transB=1, alpha=0.5, beta=2.0)
    case("softmax", "Softmax", [numbers(2, 3, 4) * 5], axis=1)
    case("softmax_old", "Softmax", [numbers(2, 3, 4) * 5], axis=1, version=11)
    case("log_softmax", "LogSoftmax", [numbers(2, 3, 4) * 5])
    case("batch_normalization", "BatchNormalization", [numbers(2, 3, 4, 5), numbers(3), numbers(3), numbers(3), positive(3)], constants=(1, 2, 3, 4))
    case("layer_normalization", "LayerNormalization", [numbers(2, 3, 8), numbers(8), numbers(8)], version=17)
    for name in ["forward", "reverse", "bidirectional"]:
        two = 2 if name == "bidirectional" else 1
        gru = [numbers(7, 2, 5), numbers(two, 12, 5), numbers(two, 12, 4), numbers(two, 24)]
        case(f"gru_{name}", "GRU", gru, outputs=2, constants=(1, 2, 3), direction=name, hidden_size=4, linear_before_reset=1)
        lstm = [numbers(7, 2, 5), numbers(two, 16, 5), numbers(two, 16, 4), numbers(two, 32), None, numbers(two, 2, 4), numbers(two, 2, 4)]
        case(f"lstm_{name}", "LSTM", lstm, outputs=3, constants=(1, 2, 3), direction=name, hidden_size=4)
    case("gru_before", "GRU", [numbers(7, 2, 5), numbers(1, 12, 5), numbers(1, 12, 4), numbers(1, 24), None, numbers(1, 2, 4)], outputs=2, hidden_size=4)


def axes():
    x = numbers(2, 3, 4)
    case("concat", "Concat", [x, numbers(2, 1, 4)], axis=-2)
    case("split", "Split", [numbers(2, 7)], outputs=3, axis=1, version=11, split=[2, 4, 1])
    case("split_equal", "Split", [numbers(6, 2)], outputs=3)
    case("slice", "Slice", [numbers(5, 6, 7), whole(1, -1), whole(4, -9), whole(0, 2), whole(2, -2)], constants=(1, 2, 3, 4))
    case("slice_old", "Slice", [x], version=9, starts=[1, 0], ends=[3, 1000], axes=[1, 2])
    case("transpose", "Transpose", [numbers(2, 3, 4, 5)], perm=[0, 2, 3, 1])
    case("transpose_round", "Transpose", [x])
    case("reshape", "Reshape", [x, whole(0, -1, 2)], constants=(1,))
    case("reshape_given", "Reshape", [x, whole(4, 6)])
    case("squeeze", "Squeeze", [numbers(1, 3, 1, 2), whole(0)], constants=(1,))
    case("squeeze_old", "Squeeze", [numbers(1, 3, 1, 2)], version=11, axes=[-2])
    case("unsqueeze", "Unsqueeze", [x, whole(0, -1)], constants=(1,))
    case("flatten", "Flatten", [x], axis=2)
    case("expand", "Expand", [numbers(3, 1), whole(2, 1, 4)], constants=(1,))
    case("tile", "Tile", [numbers(2, 3), whole(2, 3)], constants=(1,))
    case("pad", "Pad", [x, whole(0, 1, 2, 1, 0, 3), numpy.float32(1.5)], constants=(1, 2))
    case("pad_edge", "Pad", [x, whole(0, 1, 2, 1, 0, 3)], constants=(1,), mode="edge")
    case("pad_reflect", "Pad", [x, whole(0, 1, 2, 1, 0, 3)], constants=(1,), mode="reflect")
    case("pad_less", "Pad", [x, whole(0, -1, 0, 0, 0, -2)], constants=(1,))
    case("gather", "Gather", [x, numpy.array([[0, -1], [2, 1]], numpy.int64)], axis=1)
    case("gather_elements", "GatherElements", [x, numpy.array([[[0, 1, -1, 2]]], numpy.int64)], axis=1)
    case("gather_nd", "GatherND", [x, numpy.array([[0, 1], [1, -1]], numpy.int64)])
    case("constant_of_shape", "ConstantOfShape", [whole(2, 3)], value=helper.make_tensor("v", TensorProto.INT64, [1], [7]))
    case("range", "Range", [numpy.int64(3), numpy.int64(-8), numpy.int64(-3)], constants=(0, 1, 2))
    case("shape", "Shape", [x], version=15, start=-2)
    for name in ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare"]:
        case(f"reduce_{name.lower()}", f"Reduce{name}", [x], version=11, axes=[0, -1], keepdims=0)
    case("reduce_all", "ReduceMean", [x])
    case("reduce_given", "ReduceSum", [x, whole(1)], version=13)
    case("arg_max", "ArgMax", [x], axis=1, keepdims=0)
    case("arg_min", "ArgMin", [x], axis=-1)
    case("top_k", "TopK", [numbers(3, 9), whole(4)], outputs=2, constants=(1,))
    case("top_k_least", "TopK", [numbers(9, 3), whole(4)], outputs=2, axis=0, largest=0)


def joined():
    """What is joined when a graph is loaded."""
    node = helper.make_node
    x = numbers(1, 3, 8, 9)
    weights = {"w": numbers(5, 3, 3, 3), "s": numbers(5), "h": numbers(5), "m": numbers(5), "v": positive(5), "f": numbers(5, 1, 1), "a": numbers(1, 5, 1, 1),
               "three": numpy.float32([3]), "six": numpy.float32([6]), "zero": numpy.float32(0), "top": numpy.float32(6)}
    nodes = [node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]), node("BatchNormalization", ["c", "s", "h", "m", "v"], ["n"]), node("Mul", ["n", "f"], ["k"]),
             node("Add", ["a", "k"], ["q"]), node("Add", ["q", "three"], ["t"]), node("Clip", ["t", "zero", "top"], ["l"]), node("Mul", ["q", "l"], ["r"]),
             node("Div", ["r", "six"], ["y"])]
    graph("joined_hard_swish", nodes, {"x": x}, ["y"], weights)
    nodes = [node("Conv", ["x", "w"], ["c"]), node("Sigmoid", ["c"], ["g"]), node("Mul", ["c", "g"], ["z"]), node("Relu", ["z"], ["y"])]
    graph("joined_swish", nodes, {"x": x}, ["y"], {"w": weights["w"]})
    nodes = [node("Conv", ["x", "w"], ["c"]), node("Relu", ["c"], ["r"]), node("Sub", ["r", "f"], ["y"]), node("Neg", ["c"], ["z"])]
    graph("not_joined", nodes, {"x": x}, ["y", "z"], {"w": weights["w"], "f": weights["f"]})
    nodes = [node("ConvTranspose", ["x", "w"], ["c"], strides=[2, 2]), node("Add", ["c", "f"], ["k"]), node("BatchNormalization", ["k", "s", "h", "m", "v"], ["n"]), node("Relu", ["n"], ["y"])]
    graph("joined_transposed", nodes, {"x": x}, ["y"], {**weights, "w": numbers(3, 5, 2, 2)})
    nodes = [node("Shape", ["x"], ["s"]), node("Slice", ["s", "two", "four", "zero"], ["l"]), node("Concat", ["one", "l", "one"], ["t"], axis=0), node("Cast", ["t"], ["i"], to=TensorProto.INT32),
             node("Cast", ["i"], ["j"], to=TensorProto.INT64), node("ReduceMean", ["x"], ["m"], axes=[1]), node("Reshape", ["m", "j"], ["y"])]
    graph("sides_at_run", nodes, {"x": x}, ["y"], {"two": whole(2), "four": whole(4), "zero": whole(0), "one": whole(1)}, dynamic=True)


def main():
    for group in (elementwise, windows, resizing, matrices, axes, joined):
        group()
    save_file(CASES, FOLDER / "onnx.safetensors")
    (FOLDER / "versions.txt").write_text(f"onnx {onnx.__version__}\nonnxruntime {onnxruntime.__version__}\nnumpy {numpy.__version__}\n")


main()
