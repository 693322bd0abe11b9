// Asks face-api for the vectors and expressions of the faces on standard input; `make.py` starts it.
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const modules = path.resolve(process.argv[2]);
// Its form for Node asks for TensorFlow's own library; the one in JavaScript has the same interface.
const resolve = Module._resolveFilename;
Module._resolveFilename = (name, ...rest) => resolve(name === '@tensorflow/tfjs-node' ? path.join(modules, '@tensorflow/tfjs') : name, ...rest);
const folder = path.join(modules, '@vladmandic/face-api');
const faceapi = require(path.join(folder, 'dist/face-api.node.js'));
const { tf } = faceapi;

function load(net, name) {
  const model = path.join(folder, 'model', `${name}_model`);
  const specs = JSON.parse(fs.readFileSync(`${model}-weights_manifest.json`)).flatMap((group) => group.weights);
  const bytes = fs.readFileSync(`${model}.bin`);
  net.loadFromWeightMap(tf.io.decodeWeights(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), specs));
}

async function main() {
  await tf.setBackend('cpu');
  await tf.ready();
  load(faceapi.nets.faceRecognitionNet, 'face_recognition');
  load(faceapi.nets.faceExpressionNet, 'face_expression');
  const faces = [];
  for (const { width, height, rgb } of JSON.parse(fs.readFileSync(0))) {
    const face = tf.tensor3d(rgb, [height, width, 3]);
    const embedding = [...await faceapi.nets.faceRecognitionNet.computeFaceDescriptor(face)];
    const expressions = [...(await faceapi.nets.faceExpressionNet.forward(face)).dataSync()];
    faces.push({ embedding, expressions });
  }
  const { version } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json')));
  console.log(JSON.stringify({ made_by: { 'face-api': version, tfjs: tf.version_core }, faces }));
}

main();
