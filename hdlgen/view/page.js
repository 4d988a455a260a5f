"use strict";
// What all pages share: the data in the page, colours of the theme, and the button that changes it.

const DATA = JSON.parse(document.getElementById("data").textContent);
const TYPES = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array, u4: Uint32Array, i4: Int32Array };
const redraws = [];

/** The array of that number, decoded once. */
function numbers(index) {
  const entry = DATA.arrays[index];
  if (!entry.values) {
    const text = atob(entry.d), bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    entry.values = new TYPES[entry.t](bytes.buffer);
    entry.d = "";
  }
  return entry.values;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const count = (value) => value.toLocaleString("en-US");

/** A canvas of so many CSS pixels, sharp on every screen; returns its context. */
function sized(canvas, width, height) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = width + "px";
  canvas.style.height = height + "px";
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** Red, green and blue of a colour #rrggbb. */
const rgb = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));

/**
 * Values as pixels of a canvas: from background to ink where all are of one sign, otherwise orange for negative ones
 * and blue for positive ones. `shape`: height, width and channels; three channels are red, green and blue.
 */
function paint(canvas, values, shape, low, high) {
  const [height, width, channels] = shape;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  const ground = rgb(colour("card")), ink = rgb(colour("ink")), up = rgb(colour("pos")), down = rgb(colour("neg"));
  const most = Math.max(Math.abs(low), Math.abs(high)) || 1;
  for (let at = 0; at < width * height; at++) {
    let shown;
    if (channels === 3) {
      shown = [0, 1, 2].map((c) => (255 * (values[at * 3 + c] - low)) / (high - low || 1));
    } else {
      const value = values[at * channels];
      const [share, hue] = low < 0 ? [Math.abs(value) / most, value < 0 ? down : up] : [(value - low) / (high - low || 1), ink];
      shown = ground.map((from, c) => from + (hue[c] - from) * share);
    }
    image.data.set([...shown, 255], at * 4);
  }
  context.putImageData(image, 0, 0);
}

function theme() {
  const button = document.getElementById("theme"), root = document.documentElement;
  if (!button) return;
  const names = ["auto", "light", "dark"];
  let place = 0;
  button.addEventListener("click", () => {
    place = (place + 1) % names.length;
    if (place) root.dataset.theme = names[place];
    else delete root.dataset.theme;
    button.textContent = "Theme: " + names[place];
    redraws.forEach((draw) => draw());
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraws.forEach((draw) => draw()));
}
theme();
