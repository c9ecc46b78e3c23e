// Maps as pixels: values are interpolated first, and then become colours.

const rgb = (hex) => [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
const palette = colors.map(rgb);

const share = (value, scale) => (scale > 0 ? Math.max(0, Math.min(1, value / scale)) : 0);
const colorIndex = (value, scale) => Math.min(255, Math.floor(share(value, scale) * 256));

/** Keys's cubic convolution kernel with a = -0.75, as in the figures. */
function cubic(distance) {
  const a = -0.75;
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  if (distance < 2) return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a;
  return 0;
}

/** For each of `factor` places in a cell, the offset of the first of four sources and their weights. */
const weights = new Map();
function weightsFor(factor) {
  if (!weights.has(factor)) {
    weights.set(factor, Array.from({ length: factor }, (_, place) => {
      const center = (place + 0.5) / factor - 0.5;
      const first = Math.floor(center);
      return { first: first - 1, parts: [-1, 0, 1, 2].map((k) => cubic(Math.abs(first + k - center))) };
    }));
  }
  return weights.get(factor);
}

/** Rows of `length` numbers, each `factor` times as long. */
function stretched(values, rows, length, factor) {
  const result = new Float32Array(rows * length * factor);
  const kinds = weightsFor(factor);
  for (let row = 0; row < rows; row++) {
    for (let cell = 0; cell < length; cell++) {
      for (let place = 0; place < factor; place++) {
        const { first, parts } = kinds[place];
        let sum = 0;
        for (let k = 0; k < 4; k++) {
          const source = Math.max(0, Math.min(length - 1, cell + first + k));
          sum += parts[k] * values[row * length + source];
        }
        result[row * length * factor + cell * factor + place] = sum;
      }
    }
  }
  return result;
}

function transposed(values, rows, columns) {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column];
    }
  }
  return result;
}

/** A map on a finer grid, smooth, and within its own range: {grid, values}. */
function smooth(map) {
  const { rows, columns } = map.grid;
  const factor = Math.max(1, Math.ceil(192 / Math.max(rows, columns)));
  const [high, wide] = [rows * factor, columns * factor];
  const lines = stretched(map.values, rows, columns, factor);
  const fine = transposed(stretched(transposed(lines, rows, wide), wide, rows, factor), wide, high);
  const least = map.values.reduce((least, value) => Math.min(least, value), Infinity);
  const greatest = map.values[map.peak];
  return {
    grid: { rows: high, columns: wide },
    values: fine.map((value) => Math.max(least, Math.min(greatest, value))),
  };
}

/** Puts maps of one grid onto a canvas. `paint` writes red, green, blue and opacity, 0…255 each, of the
    maps' values at a place. */
function putPixels(canvas, maps, paint) {
  const { rows, columns } = maps[0].grid;
  [canvas.width, canvas.height] = [columns, rows];
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  const values = new Array(maps.length);
  for (let cell = 0; cell < rows * columns; cell++) {
    for (let k = 0; k < maps.length; k++) values[k] = maps[k].values[cell];
    paint(image.data, 4 * cell, values);
  }
  context.putImageData(image, 0, 0);
}

function putColor(pixels, place, [red, green, blue], opacity) {
  pixels[place] = red;
  pixels[place + 1] = green;
  pixels[place + 2] = blue;
  pixels[place + 3] = Math.round(255 * opacity);
}

/** Whole cells in the colours of the scale. */
function drawCells(canvas, map, scale) {
  putPixels(canvas, [map], (pixels, place, [value]) =>
    putColor(pixels, place, palette[colorIndex(value, scale)], 1));
}

/** The map in the colours of the scale, as opaque as its value. */
function drawSmooth(canvas, map, scale) {
  putPixels(canvas, [smooth(map)], (pixels, place, [value]) =>
    putColor(pixels, place, palette[colorIndex(value, scale)], share(value, scale)));
}

/** One colour and its opacity, 0…1, of words that share a place: colours are mixed by their values. */
function mixture(values, scale, inks) {
  const parts = values.map((value) => share(value, scale));
  const sum = parts.reduce((sum, part) => sum + part, 0);
  const color = [0, 1, 2].map((channel) => (sum > 0
    ? parts.reduce((mixed, part, k) => mixed + part * inks[k][channel], 0) / sum : 0));
  return { color, opacity: 1 - parts.reduce((clear, part) => clear * (1 - part), 1) };
}

/** Maps of several words, each in its colour and as opaque as its value. */
function drawWords(canvas, maps, scale, inks, isSmooth) {
  putPixels(canvas, isSmooth ? maps.map(smooth) : maps, (pixels, place, values) => {
    const { color, opacity } = mixture(values, scale, inks);
    putColor(pixels, place, color, opacity);
  });
}
