// ONNX Runtime on the yardstick: serves rounds on request, as benchmarks/pytorch_yardstick.py does.
// node against_onnxruntime.mjs NODE_MODULES_FOLDER EXPORT_FOLDER; requests, one a line, each answered by one line of JSON:
//   versions    check GRAPH BATCH THREADS    forward GRAPH BATCH THREADS REPETITIONS    halves GRAPH BATCH REPETITIONS (two threads, a session each)
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";

const [modules, folder] = isMainThread ? process.argv.slice(2) : workerData.folders;
const require = createRequire(modules + "/");
const ort = require("onnxruntime-node");
const warmUp = 3, values = 28 * 28, classes = 10;

function floats(name) {
  const bytes = readFileSync(`${folder}/${name}`);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
const images = floats("images.f32"), logits = floats("logits.f32");

const sessions = new Map();
// A session of its own for each graph and batch size (shapes are fixed), setting of threads and place; input and output are made once.
async function session(graph, batch, threads, place = 0) {
  const key = `${graph} ${batch} ${threads} ${place}`;
  if (!sessions.has(key)) {
    const made = await ort.InferenceSession.create(`${folder}/${graph}${batch}.onnx`,
      { intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: "sequential", graphOptimizationLevel: "all" });
    const first = place * batch;
    const feeds = { images: new ort.Tensor("float32", images.slice(first * values, (first + batch) * values), [batch, 1, 28, 28]) };
    const fetches = { logits: new ort.Tensor("float32", new Float32Array(batch * classes), [batch, classes]) };
    sessions.set(key, () => made.run(feeds, fetches));
  }
  return sessions.get(key);
}

const now = () => Number(process.hrtime.bigint()) * 1e-9;  // the same clock in every thread

async function spans(repetitions, body, before = () => {}) {
  for (let i = 0; i < warmUp; ++i) await body();
  const made = [];
  for (let i = 0; i < repetitions; ++i) {
    before();
    const start = now();
    await body();
    made.push([start, now()]);
  }
  return made;
}

// Both halves of a batch, each in a thread of its own: from the first beginning to the last end.
let workers = null;
async function halves(graph, batch, repetitions) {
  if (!workers) {
    const gates = new Int32Array(new SharedArrayBuffer(8));
    workers = [0, 1].map((place) => new Worker(fileURLToPath(import.meta.url), { workerData: { folders: [modules, folder], gates, place } }));
  }
  const answers = workers.map((worker) => new Promise((resolve, reject) => {
    worker.once("message", (made) => (made.error ? reject(new Error(made.error)) : resolve(made)));
    worker.once("error", reject);
  }));
  for (const worker of workers) worker.postMessage({ graph, batch: batch / 2, repetitions });
  const [a, b] = await Promise.all(answers);
  for (const worker of workers) worker.removeAllListeners("error");
  return a.map((span, i) => Math.max(span[1], b[i][1]) - Math.min(span[0], b[i][0]));
}

function work() {
  const { gates, place } = workerData;
  const meet = () => {
    const visit = Atomics.add(gates, place, 1) + 1;
    while (Atomics.load(gates, 1 - place) < visit);
  };
  parentPort.on("message", async ({ graph, batch, repetitions }) => {
    try {
      parentPort.postMessage(await spans(repetitions, await session(graph, batch, 1, place), meet));
    } catch (error) {
      Atomics.store(gates, place, 1 << 30);  // lets the other go
      parentPort.postMessage({ error: String(error) });
    }
  });
}

async function answer(line) {
  const [what, graph, ...rest] = line.split(" ");
  const [batch, ...numbers] = rest.map(Number);
  if (what === "versions") return { "ONNX Runtime": ort.env.versions.node ?? ort.env.versions.common, Node: process.version };
  if (what === "check") {
    const made = (await (await session(graph, batch, numbers[0]))()).logits.data;
    if (made.length !== batch * classes) throw new Error(`${made.length} logits`);
    return { difference: made.reduce((most, value, i) => Math.max(most, Math.abs(value - logits[i])), 0) };
  }
  if (what === "forward") return { seconds: (await spans(numbers[1], await session(graph, batch, numbers[0]))).map(([start, end]) => end - start) };
  if (what === "halves") return { seconds: await halves(graph, batch, numbers[0]) };
  throw new Error(`unknown request ${line}`);
}

if (!isMainThread) {
  work();
} else {
  for await (const line of createInterface({ input: process.stdin })) {
    let made;
    try {
      made = await answer(line);
    } catch (error) {
      made = { error: String(error) };
    }
    process.stdout.write(JSON.stringify(made) + "\n");
  }
  process.exit(0);  // the threads of `halves` would keep it up
}
