//! Graphs of others beside the libraries that they are made for. The goldens are made by `models/goldens/graph/make.py`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use aimass_models::Silent;
use aimass_models::graph::{Graph, Part};
use candle_core::{DType, Device, Tensor};

use crate::cache;

pub(crate) fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("goldens/graph")
}

/// The largest difference of two tensors of one shape, beside the size of their numbers.
fn apart(expected: &Tensor, got: &Tensor) -> f64 {
    assert_eq!(expected.dtype(), got.dtype());
    assert_eq!(expected.dims(), got.dims());
    let values = |tensor: &Tensor| {
        let wide = tensor.to_dtype(DType::F64).unwrap();
        wide.flatten_all().unwrap().to_vec1::<f64>().unwrap()
    };
    let pairs = values(expected).into_iter().zip(values(got));
    pairs
        .map(|(expected, got)| {
            if expected.is_nan() && got.is_nan() {
                return 0.0;
            }
            let apart = (expected - got).abs() / expected.abs().max(1.0);
            if apart.is_nan() { f64::INFINITY } else { apart }
        })
        .fold(0.0, f64::max)
}

/// Runs every case of a kind, and says of each that is not as the reference has it how far it is off.
fn agree(kind: &str, extension: &str, load: impl Fn(&Path, Vec<String>) -> Graph) {
    let folder = goldens().join(kind);
    let values =
        candle_core::safetensors::load(goldens().join(format!("{kind}.safetensors")), &Device::Cpu)
            .unwrap();
    let mut wrong = Vec::new();
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|found| found != extension) {
            continue;
        }
        let case = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let start = format!("{case}/out/");
        let outputs = values.keys().filter_map(|name| name.strip_prefix(&start));
        let graph = load(&path, outputs.map(str::to_owned).collect());
        let inputs: Vec<(&str, Tensor)> = graph
            .inputs()
            .iter()
            .map(|port| {
                (
                    &*port.name,
                    values[&format!("{case}/in/{}", port.name)].clone(),
                )
            })
            .collect();
        let outputs = graph
            .run(&inputs)
            .unwrap_or_else(|error| panic!("{case}: {error}"));
        let ports: HashMap<_, _> = graph
            .outputs()
            .iter()
            .zip(outputs)
            .map(|(port, output)| (&*port.name, output))
            .collect();
        for (name, output) in ports {
            let expected = &values[&format!("{case}/out/{name}")];
            if expected.dims() != output.dims() {
                wrong.push(format!(
                    "{case}: {:?} instead of {:?}",
                    output.dims(),
                    expected.dims()
                ));
                continue;
            }
            let apart = apart(expected, &output);
            if apart > 2e-5 {
                wrong.push(format!("{case}: {apart}"));
            }
        }
        cases += 1;
    }
    assert!(cases > 5, "{cases} cases");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_operator_of_onnx_agrees_with_onnxruntime() {
    agree("onnx", "onnx", |path, _| {
        Graph::from_onnx(path).unwrap_or_else(|error| panic!("{error}"))
    });
}

/// One of the networks' goldens: its name, and how far apart the numbers are that it has.
struct Golden {
    network: &'static str,
    values: HashMap<String, Tensor>,
}

impl Golden {
    fn new(network: &'static str) -> Self {
        let path = goldens().join("networks.safetensors");
        let values = candle_core::safetensors::load(path, &Device::Cpu).unwrap();
        Self { network, values }
    }

    /// The picture's rows and columns from some on, grey as -1 to 1.
    fn page(&self, rows: std::ops::Range<usize>, columns: usize) -> Tensor {
        let page = self.values["page"]
            .narrow(0, rows.start, rows.len())
            .unwrap();
        let page = page.narrow(1, 0, columns).unwrap();
        let page = (page.to_dtype(DType::F32).unwrap() / 127.5).unwrap();
        let page = (page - 1.0).unwrap();
        page.broadcast_as((1, 3, rows.len(), columns))
            .unwrap()
            .contiguous()
            .unwrap()
    }

    /// The largest difference of an output.
    fn apart(&self, output: &str, got: &Tensor) -> f32 {
        let start = format!("{}/{output}/", self.network);
        let (name, expected) = self
            .values
            .iter()
            .find(|(name, _)| name.starts_with(&start))
            .unwrap();
        let step: usize = name.rsplit('/').next().unwrap().parse().unwrap();
        let got = got.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let expected = expected.to_vec1::<f32>().unwrap();
        assert_eq!(got.len().div_ceil(step), expected.len());
        let pairs = got.iter().step_by(step).zip(&expected);
        pairs
            .map(|(got, expected)| (got - expected).abs())
            .fold(0.0, f32::max)
    }
}

/// The same numbers as the script makes: 0 to 255.
fn pattern(sides: &[usize]) -> Tensor {
    let count = sides.iter().product::<usize>();
    let numbers: Vec<f32> = (0..count).map(|at| (at * 7919 % 256) as f32).collect();
    Tensor::from_vec(numbers, sides, &Device::Cpu).unwrap()
}

#[test]
fn pp_ocr_agrees_with_onnxruntime() {
    let folder = cache::store().pull("pp-ocr-v4", &mut Silent).unwrap();
    for (network, file, rows, columns) in [
        ("det", "ch_PP-OCRv4_det_infer.onnx", 0..96, 320),
        ("rec", "ch_PP-OCRv4_rec_infer.onnx", 4..52, 320),
        ("cls", "ch_ppocr_mobile_v2.0_cls_infer.onnx", 4..52, 192),
    ] {
        let graph = Graph::from_onnx(&folder.join(file)).unwrap();
        let golden = Golden::new(network);
        let name = graph.inputs()[0].name.clone();
        let got = graph.run(&[(&name, golden.page(rows, columns))]).unwrap();
        let apart = golden.apart("out", &got[0]);
        assert!(apart < 1e-3, "{network}: {apart}");
        let characters = graph.metadata().get("character");
        assert_eq!(characters.is_some(), network == "rec");
        assert!(characters.is_none_or(|characters| characters.lines().count() == 6623));
    }
}

#[test]
fn ssd_mobilenet_agrees_with_tensorflow() {
    let folder = cache::store()
        .pull("ssd-mobilenet-v2", &mut Silent)
        .unwrap();
    let part = Part {
        inputs: vec![(
            "Preprocessor/sub".to_owned(),
            [1, 300, 300, 3].map(Some).to_vec(),
        )],
        outputs: vec!["concat".to_owned(), "concat_1".to_owned()],
    };
    let graph =
        Graph::part_from_tensorflow(&folder.join("frozen_inference_graph.pb"), &part).unwrap();
    let numbers = ((pattern(&[1, 300, 300, 3]) / 127.5).unwrap() - 1.0).unwrap();
    let got = graph.run(&[("Preprocessor/sub", numbers)]).unwrap();
    let golden = Golden::new("ssd");
    for (port, got) in graph.outputs().iter().zip(&got) {
        let apart = golden.apart(&port.name, got);
        assert!(apart < 1e-2, "{}: {apart}", port.name);
    }
}

#[test]
fn the_whole_file_of_ssd_mobilenet_is_refused_for_its_loops() {
    let folder = cache::store()
        .pull("ssd-mobilenet-v2", &mut Silent)
        .unwrap();
    let path = folder.join("frozen_inference_graph.pb");
    let error = Graph::part_from_tensorflow(&path, &Part::default()).unwrap_err();
    // They are walked in a circle.
    assert!(error.to_string().contains("cycle"), "{error}");
}

#[test]
fn centernet_agrees_with_tensorflow_js() {
    let folder = cache::store().pull("centernet", &mut Silent).unwrap();
    let graph = Graph::part_from_tfjs(&folder.join("centernet.json"), &Part::default()).unwrap();
    let got = graph
        .run(&[("tower_0/images", pattern(&[1, 512, 512, 3]))])
        .unwrap();
    let golden = Golden::new("centernet");
    for (port, got) in graph.outputs().iter().zip(&got) {
        let apart = golden.apart(&port.name.replace('/', "."), got);
        assert!(apart < 1e-2, "{}: {apart}", port.name);
    }
}

#[test]
fn each_operator_of_tensorflow_agrees_with_tensorflow() {
    agree("tensorflow", "pb", |path, outputs| {
        let part = Part {
            outputs,
            ..Part::default()
        };
        let graph = Graph::part_from_tensorflow(path, &part);
        graph.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    });
}
