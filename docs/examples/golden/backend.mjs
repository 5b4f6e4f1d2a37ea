// A complete backend for the golden suite of localnet, for Node and without packages.
//
//     localnet golden check --command 'node backend.mjs {case} {out}'
//
// It is started once for every case, with the folder of the case and a folder for the
// answers: it reads config.json and x, kernel, bias and dy, and writes y, dx, dkernel
// and dbias. Exit status 77 skips a case.
//
// Put your own kernels in the place of forward() and backward(), and keep the rest.
//
// Symbols: N samples, S input sizes, C channels, R kernel size, O output sizes,
// L = prod(O) locations, K = prod(R)*C values under one window, F filters.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SKIP = 77;
const product = (sizes) => sizes.reduce((a, b) => a * b, 1);

// ---- .npy, format 1.0: magic, header length, a Python dict as text, the numbers ----

const READERS = {
  "<f2": [2, (view, at) => halfToNumber(view.getUint16(at, true))],
  "<f4": [4, (view, at) => view.getFloat32(at, true)],
  "<f8": [8, (view, at) => view.getFloat64(at, true)],
};

function halfToNumber(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023;
  const value = exponent
    ? (1024 + fraction) * 2 ** (exponent - 25)
    : fraction * 2 ** -24;
  return bits >> 15 ? -value : value;
}

function readNpy(folder, name) {
  const path = join(folder, name);
  if (!existsSync(path)) return null;
  const bytes = readFileSync(path);
  if (bytes.toString("latin1", 0, 8) !== "\x93NUMPY\x01\x00")
    throw new Error(`${path} is not an .npy file of format 1.0`);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString("latin1", 10, start);
  const [, type] = header.match(/'descr': '([^']*)'/);
  const [, sizes] = header.match(/'shape': \(([^)]*)\)/);
  if (!(type in READERS) || !header.includes("'fortran_order': False"))
    throw new Error(`${path} does not hold little-endian floats in C order`);
  const shape = sizes.split(",").filter((size) => size.trim()).map(Number);
  const [width, read] = READERS[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  const data = Float64Array.from({ length: product(shape) }, (_, i) =>
    read(view, i * width),
  );
  return { shape, data };
}

function writeNpy(folder, name, { shape, data }) {
  const sizes = shape.map((size) => `${size}, `).join("");
  const header = `{'descr': '<f8', 'fortran_order': False, 'shape': (${sizes}), }`;
  // Numbers begin at a multiple of 64 bytes, after a newline.
  const length = Math.ceil((10 + header.length + 1) / 64) * 64 - 10;
  const bytes = Buffer.alloc(10 + length + 8 * data.length);
  bytes.write("\x93NUMPY\x01\x00", "latin1");
  bytes.writeUInt16LE(length, 8);
  bytes.write(`${header.padEnd(length - 1)}\n`, 10, "latin1");
  data.forEach((value, i) => bytes.writeDoubleLE(value, 10 + length + 8 * i));
  writeFileSync(join(folder, name), bytes);
}

// ---- the layer ----

/** Which value of a flat sample each value of each window reads; -1 is padding. */
function windows(config) {
  const { kernel_size: size, input_sizes: inputs, output_sizes: outputs } = config;
  const last = config.data_format === "channels_last";
  const taps = product(size), cells = product(inputs), C = config.channels;
  const L = product(outputs), K = taps * C;
  const reads = new Int32Array(L * K);
  for (let l = 0; l < L; l++) {
    const o = unravel(l, outputs);
    for (let k = 0; k < K; k++) {
      // K is (taps, channel) for channels_last, (channel, taps) otherwise.
      const c = last ? k % C : Math.floor(k / taps);
      const tap = unravel(last ? Math.floor(k / C) : k % taps, size);
      const at = o.map(
        (window, a) =>
          window * config.strides[a] +
          tap[a] * config.dilation_rate[a] -
          config.pads[a][0],
      );
      const inside = at.every((index, a) => index >= 0 && index < inputs[a]);
      const cell = at.reduce((flat, index, a) => flat * inputs[a] + index, 0);
      reads[l * K + k] = !inside ? -1 : last ? cell * C + c : c * cells + cell;
    }
  }
  return { reads, L, K, F: config.filters, N: config.batch, last };
}

/** Splits a row-major index into one index per axis. */
function unravel(index, sizes) {
  return sizes.reduceRight((found, size) => {
    found.unshift(index % size);
    index = Math.floor(index / size);
    return found;
  }, []);
}

const sigmoid = (z) => 1 / (1 + Math.exp(-z));
const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/** Every activation as z -> [value, slope]. */
const ACTIVATIONS = {
  linear: (z) => [z, 1],
  relu: (z, { alpha = 0, max_value: top = Infinity, threshold = 0 }) =>
    z > threshold
      ? [Math.min(z, top), z < top ? 1 : 0]
      : [alpha * (z - threshold), alpha],
  relu6: (z) => [Math.min(Math.max(z, 0), 6), z > 0 && z < 6 ? 1 : 0],
  leaky_relu: (z, { alpha }) => (z > 0 ? [z, 1] : [alpha * z, alpha]),
  elu: (z, { alpha = 1 }) =>
    z > 0 ? [z, 1] : [alpha * Math.expm1(z), alpha * Math.exp(z)],
  selu: (z) => {
    const scale = 1.0507009873554805, alpha = 1.6732632423543772;
    return z > 0
      ? [scale * z, scale]
      : [scale * alpha * Math.expm1(z), scale * alpha * Math.exp(z)];
  },
  sigmoid: (z) => [sigmoid(z), sigmoid(z) * sigmoid(-z)],
  tanh: (z) => [Math.tanh(z), (1 - Math.tanh(z)) * (1 + Math.tanh(z))],
  softplus: (z) => [softplus(z), sigmoid(z)],
  softsign: (z) => [z / (1 + Math.abs(z)), (1 + Math.abs(z)) ** -2],
  exponential: (z) => [Math.exp(z), Math.exp(z)],
  swish: (z) => [z * sigmoid(z), sigmoid(z) * (1 + z * sigmoid(-z))],
  mish: (z) => {
    const t = Math.tanh(softplus(z));
    return [z * t, t + z * sigmoid(z) * (1 - t) * (1 + t)];
  },
};

/** Where (l, f) stands in one sample of y, and in the bias as Keras stores it. */
const place = ({ last, L, F }, l, f) => (last ? l * F + f : f * L + l);

/** y = activation(z), z[n,l,f] = sum_k patch[n,l,k] kernel[l,k,f] + bias[l,f] */
function forward(layer, x, kernel, bias, activate, padValue) {
  const { reads, N, L, K, F } = layer, sample = x.length / N;
  const y = new Float64Array(N * L * F), slope = new Float64Array(N * L * F);
  for (let n = 0; n < N; n++)
    for (let l = 0; l < L; l++)
      for (let f = 0; f < F; f++) {
        const at = place(layer, l, f);
        let z = bias ? bias[at] : 0;
        for (let k = 0; k < K; k++) {
          const cell = reads[l * K + k];
          const value = cell < 0 ? padValue : x[n * sample + cell];
          z += value * kernel[(l * K + k) * F + f];
        }
        [y[n * L * F + at], slope[n * L * F + at]] = activate(z);
      }
  return { y, slope };
}

/** The same three factors, each time summed over what the result lacks. */
function backward(layer, x, kernel, dy, slope, padValue) {
  const { reads, N, L, K, F } = layer, sample = x.length / N;
  const dx = new Float64Array(x.length), dkernel = new Float64Array(kernel.length);
  const dbias = new Float64Array(L * F);
  for (let n = 0; n < N; n++)
    for (let l = 0; l < L; l++)
      for (let f = 0; f < F; f++) {
        const at = place(layer, l, f), i = n * L * F + at;
        const dz = dy[i] * slope[i];
        dbias[at] += dz;
        for (let k = 0; k < K; k++) {
          const cell = reads[l * K + k], w = (l * K + k) * F + f;
          dkernel[w] += dz * (cell < 0 ? padValue : x[n * sample + cell]);
          if (cell >= 0) dx[n * sample + cell] += dz * kernel[w];
        }
      }
  return { dx, dkernel, dbias };
}

function main(folder, out) {
  const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
  const { name, ...parameters } = config.activation;
  if (!(name in ACTIVATIONS)) {
    console.error(`backend.mjs: no activation ${name}`);
    return SKIP;
  }
  const x = readNpy(folder, "x.npy"), kernel = readNpy(folder, "kernel.npy");
  const bias = readNpy(folder, "bias.npy"), dy = readNpy(folder, "dy.npy");
  const layer = windows(config);
  const { y, slope } = forward(
    layer, x.data, kernel.data, bias?.data, (z) => ACTIVATIONS[name](z, parameters),
    config.pad_value,
  );
  const { batch, output_sizes: outputs, filters } = config;
  const shape = layer.last ? [batch, ...outputs, filters] : [batch, filters, ...outputs];
  writeNpy(out, "y.npy", { shape, data: y });
  if (!dy) return 0;

  const { dx, dkernel, dbias } = backward(
    layer, x.data, kernel.data, dy.data, slope, config.pad_value,
  );
  writeNpy(out, "dx.npy", { shape: x.shape, data: dx });
  writeNpy(out, "dkernel.npy", { shape: kernel.shape, data: dkernel });
  if (bias) writeNpy(out, "dbias.npy", { shape: bias.shape, data: dbias });
  return 0;
}

process.exitCode = main(...process.argv.slice(2));
