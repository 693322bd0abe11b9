//! How long one run of each network takes that comes as a graph, on one thread.
//!
//! `RAYON_NUM_THREADS=1 CANDLE_NUM_THREADS=1 cargo bench -p aimass-models --bench graph -- [NETWORK [ROUNDS]]`
//!
//! `benches/peers/graph.py` puts the same runs beside onnxruntime and TensorFlow.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench stands outside the runtime"
)]

#[path = "../tests/it/cache.rs"]
mod cache;

use std::time::{Duration, Instant};

use aimass_models::Silent;
use aimass_models::graph::{Graph, Part};
use candle_core::{Device, Tensor};

/// A network, its artefact and file, what it takes, and what is asked for.
struct Network {
    name: &'static str,
    artefact: &'static str,
    file: &'static str,
    input: &'static str,
    sides: [usize; 4],
    outputs: &'static [&'static str],
}

const NETWORKS: [Network; 5] = [
    Network {
        name: "pp-ocr-detector",
        artefact: "pp-ocr-v4",
        file: "ch_PP-OCRv4_det_infer.onnx",
        input: "x",
        sides: [1, 3, 736, 736],
        outputs: &[],
    },
    Network {
        name: "pp-ocr-recognizer",
        artefact: "pp-ocr-v4",
        file: "ch_PP-OCRv4_rec_infer.onnx",
        input: "x",
        sides: [1, 3, 48, 320],
        outputs: &[],
    },
    Network {
        name: "pp-ocr-orientation",
        artefact: "pp-ocr-v4",
        file: "ch_ppocr_mobile_v2.0_cls_infer.onnx",
        input: "x",
        sides: [1, 3, 48, 192],
        outputs: &[],
    },
    Network {
        name: "ssd-mobilenet-v2",
        artefact: "ssd-mobilenet-v2",
        file: "frozen_inference_graph.pb",
        input: "Preprocessor/sub",
        sides: [1, 300, 300, 3],
        outputs: &["concat", "concat_1"],
    },
    Network {
        name: "centernet",
        artefact: "centernet",
        file: "centernet.json",
        input: "tower_0/images",
        sides: [1, 512, 512, 3],
        outputs: &["tower_0/detections"],
    },
];

fn main() {
    // Cargo adds an argument of its own.
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let only = arguments.next();
    let rounds = arguments
        .next()
        .map_or(15, |rounds| rounds.parse().unwrap());
    let asked = NETWORKS
        .iter()
        .filter(|network| only.as_ref().is_none_or(|only| only == network.name));
    for network in asked {
        let mut times = network.times(rounds);
        times.sort();
        println!(
            "{} {:.2} ms (median of {rounds}), {:.2} at best",
            network.name,
            milliseconds(times[rounds / 2]),
            milliseconds(times[0])
        );
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

impl Network {
    fn times(&self, rounds: usize) -> Vec<Duration> {
        let folder = cache::store().pull(self.artefact, &mut Silent).unwrap();
        let path = folder.join(self.file);
        let part = Part {
            inputs: vec![(self.input.to_owned(), self.sides.map(Some).to_vec())],
            outputs: self
                .outputs
                .iter()
                .map(|output| (*output).to_owned())
                .collect(),
        };
        let graph = match path.extension().and_then(|extension| extension.to_str()) {
            Some("onnx") => Graph::part_from_onnx(&path, &part),
            Some("pb") => Graph::part_from_tensorflow(&path, &part),
            _ => Graph::part_from_tfjs(&path, &part),
        };
        let graph = graph.unwrap();
        let count = self.sides.iter().product::<usize>();
        let numbers: Vec<f32> = (0..count)
            .map(|at| (at * 7919 % 256) as f32 / 127.5 - 1.0)
            .collect();
        let input = Tensor::from_vec(numbers, &self.sides[..], &Device::Cpu).unwrap();
        graph.run(&[(self.input, input.clone())]).unwrap();
        let timed = (0..rounds).map(|_| {
            let began = Instant::now();
            graph.run(&[(self.input, input.clone())]).unwrap();
            began.elapsed()
        });
        timed.collect()
    }
}
