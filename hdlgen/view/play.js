// Trying a core: what is drawn, spoken or dropped goes to the server of the page; what the board answers is shown.

const byId = (id) => document.getElementById(id);
const clamped = (value, low, high) => Math.max(low, Math.min(high, value));
let busy = false, waiting = null, last = null;

// ------------------------------------------------------------------------------------------------------------ asking

/** Ask; while one question is under way only the latest of the next ones is kept. */
async function asks(kind, body) {
  if (busy) { waiting = [kind, body]; return; }
  busy = true;
  document.body.dataset.state = "busy";
  try {
    const type = kind === "values" ? "application/json" : "application/octet-stream";
    const response = await fetch(kind, { method: "POST", headers: { "Content-Type": type }, body });
    const found = await response.json();
    if (found.error) failed(found.error);
    else show(found);
  } catch (error) {
    failed("The server does not answer: " + error.message);
  }
  busy = false;
  document.body.dataset.state = "idle";
  if (waiting) { const next = waiting; waiting = null; await asks(...next); }
}

const askValues = (steps) => asks("values", JSON.stringify(steps));

function failed(why) {
  const place = byId("verdict"), said = document.createElement("p");
  said.className = "bad";
  said.textContent = why;
  place.replaceChildren(said);
  document.body.dataset.answers = "error";
}

// ----------------------------------------------------------------------------------------------------------- showing

function line(parent, name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  parent.append(made);
  return made;
}

function show(found) {
  last = found;
  const place = byId("verdict");
  place.replaceChildren();
  if (DATA.outputs > 1 && !DATA.outputImage) line(place, "b", called(found.said), "said");
  const one = found.inputs === 1;
  if (found.equal === null) line(place, "span", "golden model", "badge soft");
  else if (found.equal) line(place, "span", one ? "✓ equal to the golden model, bit for bit" : `✓ all ${count(found.inputs)} equal to the golden model, bit for bit`, "badge good");
  else line(place, "span", `✗ ${count(found.differing)} of ${count(found.inputs)} differ from the golden model`, "badge bad");
  if (!one) {
    const more = found.total > found.inputs ? `, the first of ${count(found.total)}` : "";
    const right = found.right === null ? "" : `; ${count(found.right)} as their labels say`;
    line(place, "p", `${count(found.inputs)} inputs${more}${right}. The first one:`, "small soft");
  }
  bars(found);
  facts(found);
  paintAll();
  document.body.dataset.answers = String(Number(document.body.dataset.answers || 0) + 1);
}

function called(output) {
  return DATA.names ? DATA.names[output] : String(output);
}

function bars(found) {
  const place = byId("bars");
  place.replaceChildren();
  if (DATA.outputImage || found.answer.length > 64) return;
  const low = Math.min(0, ...found.answer), high = Math.max(0, ...found.answer), span = high - low || 1;
  found.answer.forEach((value, at) => {
    const row = document.createElement("div");
    if (found.answer.length > 1 && at === found.said) row.className = "most";
    line(row, "span", called(at));
    const track = line(row, "span", "", "track"), bar = line(track, "i", "");
    bar.style.left = (100 * (Math.min(0, value) - low)) / span + "%";
    bar.style.width = (100 * Math.abs(value)) / span + "%";
    line(row, "span", count(value));
    place.append(row);
  });
}

function facts(found) {
  const cycles = found.cycles, rows = [];
  const steps = cycles.steps > 1 ? `, ${count(cycles.interval)} for each of ${count(cycles.steps)} steps` : "";
  rows.push(["latency", cycles.counted === null ? `${count(cycles.predicted)} cycles predicted${steps}` : `${count(cycles.counted)} cycles counted on the chip, ${count(cycles.predicted)} predicted${steps}`]);
  if (cycles.microseconds !== null) rows.push(["at the board's clock", `${cycles.microseconds.toLocaleString("en-US")} µs`]);
  if (found.seconds) rows.push(["over the line", `${(1000 * found.seconds).toFixed(1)} ms`]);
  if (found.label !== null) rows.push(["label", called(found.label)]);
  const table = byId("facts");
  table.replaceChildren();
  for (const [name, text] of rows) {
    const row = document.createElement("tr");
    line(row, "th", name);
    line(row, "td", text);
    table.append(row);
  }
}

/** Channels of a tensor side by side, other layers as a rectangle of their values; returns values and shape. */
function tiled(values, shape) {
  if (!shape || shape[0] * shape[1] * shape[2] !== values.length) {
    const width = Math.ceil(Math.sqrt(values.length * 1.6)), height = Math.ceil(values.length / width);
    return [values.concat(new Array(width * height - values.length).fill(0)), [height, width, 1]];
  }
  const [height, width, channels] = shape, across = Math.ceil(Math.sqrt(channels)), down = Math.ceil(channels / across);
  const wide = across * (width + 1), made = new Array(wide * down * (height + 1)).fill(0);
  for (let at = 0; at < values.length; at++) {
    const channel = at % channels, pixel = Math.floor(at / channels);
    const y = Math.floor(channel / across) * (height + 1) + Math.floor(pixel / width);
    made[y * wide + (channel % across) * (width + 1) + (pixel % width)] = values[at];
  }
  return [made, [down * (height + 1), wide, 1]];
}

function paintSized(canvas, values, shape, low, high, most) {
  paint(canvas, values, shape, low, high);
  const scale = Math.max(1, Math.min(most / shape[1], most / shape[0]));
  canvas.style.width = shape[1] * scale + "px";
}

const pictureOf = (steps) => (steps.length === 1
  ? [steps[0], DATA.image || [1, DATA.width, 1]]
  : [Array.from({ length: DATA.width }, (_, band) => steps.map((step) => step[DATA.width - 1 - band])).flat(), [DATA.width, steps.length, 1]]);

function paintAll() {
  if (!last) return;
  const seen = byId("seen");
  if (seen) paintSized(seen, ...pictureOf(last.input), DATA.low, DATA.high, DATA.image ? 112 : 336);
  document.querySelectorAll(".layers figure").forEach((figure, at) => {
    const layer = last.layers[at], [values, shape] = tiled(layer.values, DATA.levels[at].shape);
    paintSized(figure.querySelector("canvas"), values, shape, layer.low, layer.high, 224);
    const some = layer.values.filter((value) => value !== 0).length;
    figure.querySelector("span").textContent = `${count(some)} not 0; ${count(layer.low)} to ${count(layer.high)}`;
  });
  if (DATA.outputImage) {
    byId("outputImage").hidden = false;
    paintSized(byId("outputImage"), last.answer, DATA.outputImage, Math.min(...last.answer), Math.max(...last.answer), 224);
  }
}
redraws.push(paintAll);

// ----------------------------------------------------------------------------------------------------------- drawing

class Pad {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.drawing = false;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => this.end());
    byId("clear").addEventListener("click", () => this.clear());
    byId("center").addEventListener("change", () => this.ask());
    canvas.addEventListener("keydown", (event) => { if (event.key === "Escape" || event.key === "Delete") this.clear(); });
    this.clear();
  }

  clear() {
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * this.canvas.width) / box.width, ((event.clientY - box.top) * this.canvas.height) / box.height];
  }

  begin(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.drawing = true;
    this.place = this.at(event);
    this.move(event);
  }

  move(event) {
    if (!this.drawing) return;
    const next = this.at(event);
    Object.assign(this.context, { strokeStyle: "#fff", lineWidth: Number(byId("pen").value), lineCap: "round", lineJoin: "round" });
    this.context.beginPath();
    this.context.moveTo(...this.place);
    this.context.lineTo(...next);
    this.context.stroke();
    this.place = next;
    if (!busy) this.ask();
  }

  end() {
    if (this.drawing) this.ask();
    this.drawing = false;
  }

  /** An image fills the pad, cut where it is too long. */
  image(bitmap) {
    const scale = Math.max(this.canvas.width / bitmap.width, this.canvas.height / bitmap.height);
    const width = bitmap.width * scale, height = bitmap.height * scale;
    this.clear();
    this.context.drawImage(bitmap, (this.canvas.width - width) / 2, (this.canvas.height - height) / 2, width, height);
    this.ask();
  }

  /** Part of the pad, x, y, width, height, as an image of height and width: means over areas, 0 .. 1 for each channel. */
  scaled([x, y, width, height], rows, columns, channels) {
    const source = this.context.getImageData(0, 0, this.canvas.width, this.canvas.height).data;
    const sums = new Float64Array(rows * columns * channels), across = this.canvas.width, down = this.canvas.height;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const [top, bottom] = [y + (row * height) / rows, y + ((row + 1) * height) / rows];
        const [left, right] = [x + (column * width) / columns, x + ((column + 1) * width) / columns];
        let area = 0;
        for (let v = Math.floor(top); v < bottom; v++) {
          for (let u = Math.floor(left); u < right; u++) {
            const part = (Math.min(v + 1, bottom) - Math.max(v, top)) * (Math.min(u + 1, right) - Math.max(u, left));
            area += part;
            if (u < 0 || v < 0 || u >= across || v >= down) continue;
            const at = (v * across + u) * 4, [r, g, b] = [source[at], source[at + 1], source[at + 2]];
            const values = channels === 3 ? [r, g, b] : [0.299 * r + 0.587 * g + 0.114 * b];
            values.forEach((value, c) => { sums[(row * columns + column) * channels + c] += (part * value) / 255; });
          }
        }
        for (let c = 0; c < channels; c++) sums[(row * columns + column) * channels + c] /= area || 1;
      }
    }
    return sums;
  }

  /** Where something is drawn, or null. */
  bounds() {
    const data = this.context.getImageData(0, 0, this.canvas.width, this.canvas.height).data, wide = this.canvas.width;
    let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
    for (let at = 0; at < data.length; at += 4) {
      if (data[at] + data[at + 1] + data[at + 2] < 96) continue;
      const x = (at / 4) % wide, y = Math.floor(at / 4 / wide);
      left = Math.min(left, x); right = Math.max(right, x); top = Math.min(top, y); bottom = Math.max(bottom, y);
    }
    return right < 0 ? null : [left, top, right + 1 - left, bottom + 1 - top];
  }

  /** As the images of MNIST were made: five sevenths of the side, and the centre of mass in the middle. */
  middle(rows, columns) {
    const [x, y, width, height] = this.bounds(), side = (Math.max(width, height) * 7) / 5;
    const frame = [x + width / 2 - side / 2, y + height / 2 - side / 2, side, side];
    const first = this.scaled(frame, rows, columns, 1);
    let [mass, down, across] = [0, 0, 0];
    first.forEach((value, at) => { mass += value; down += value * (Math.floor(at / columns) + 0.5); across += value * ((at % columns) + 0.5); });
    const shift = [Math.round(across / mass - columns / 2), Math.round(down / mass - rows / 2)];
    return this.scaled([frame[0] + (shift[0] * side) / columns, frame[1] + (shift[1] * side) / rows, side, side], rows, columns, 1);
  }

  ask() {
    const [rows, columns, channels] = DATA.image;
    const middle = byId("center").checked && channels === 1 && this.bounds();
    const shares = middle ? this.middle(rows, columns) : this.scaled([0, 0, this.canvas.width, this.canvas.height], rows, columns, channels);
    askValues([Array.from(shares, (share) => clamped(Math.round(DATA.low + share * (DATA.high - DATA.low)), DATA.low, DATA.high))]);
  }
}

// ---------------------------------------------------------------------------------------------------------- speaking

/** Sound of any kind and rate as samples of one channel at the network's rate; asks about them. */
async function sound(buffer) {
  const decoded = await new OfflineAudioContext(1, 1, DATA.rate).decodeAudioData(buffer);  // at that rate
  const mono = new Float32Array(decoded.length);
  for (let c = 0; c < decoded.numberOfChannels; c++) decoded.getChannelData(c).forEach((value, at) => { mono[at] += value / decoded.numberOfChannels; });
  const samples = spoken(Int16Array.from(mono, (value) => clamped(Math.round(value * 32768), -32768, 32767)));
  wave(samples);
  await asks("sound", samples.buffer);
}

/** Without the silence before and behind, where there is much of it: the recordings of the training have none. */
function spoken(samples) {
  const part = Math.round(DATA.rate / 50), loud = [];
  for (let at = 0; at < samples.length; at += part) loud.push(samples.slice(at, at + part).reduce((a, b) => Math.max(a, Math.abs(b)), 0));
  const most = Math.max(...loud), begin = loud.findIndex((value) => value > most / 12);
  let end = loud.length;
  while (end > begin && loud[end - 1] <= most / 12) end--;
  return begin + (loud.length - end) < 10 ? samples : samples.slice(begin * part, end * part);
}

function wave(samples) {
  const canvas = byId("wave"), context = canvas.getContext("2d"), middle = canvas.height / 2;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.strokeStyle = colour("pos");
  context.beginPath();
  for (let x = 0; x < canvas.width; x++) {
    const some = samples.slice(Math.floor((x * samples.length) / canvas.width), Math.floor(((x + 1) * samples.length) / canvas.width) + 1);
    const high = some.reduce((a, b) => Math.max(a, b), 0), low = some.reduce((a, b) => Math.min(a, b), 0);
    context.moveTo(x + 0.5, middle - (high / 32768) * middle);
    context.lineTo(x + 0.5, middle - (low / 32768) * middle + 0.5);
  }
  context.stroke();
}

function microphone(button) {
  let recorder = null;
  const told = byId("recording");
  button.addEventListener("click", async () => {
    if (recorder) { recorder.stop(); return; }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true }), parts = [];
      recorder = new MediaRecorder(stream);
      recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
      recorder.addEventListener("stop", async () => {
        stream.getTracks().forEach((track) => track.stop());
        recorder = null;
        button.textContent = "Speak";
        told.textContent = "";
        await sound(await new Blob(parts).arrayBuffer()).catch((error) => failed("No sound: " + error.message));
      });
      recorder.start();
      button.textContent = "Stop";
      told.textContent = "listening, for two seconds at most";
      setTimeout(() => recorder && recorder.state === "recording" && recorder.stop(), 2000);
    } catch (error) {
      recorder = null;
      failed("No microphone: " + error.message);
    }
  });
}

// ------------------------------------------------------------------------------------------------- files and samples

async function file(given, pad) {
  if (!given) return;
  try {
    if (/\.np[yz]$/i.test(given.name)) await asks("file", await given.arrayBuffer());
    else if (pad) pad.image(await createImageBitmap(given));
    else if (DATA.rate) await sound(await given.arrayBuffer());
    else failed("Allowed here: files .npy and .npz.");
  } catch (error) {
    failed(`${given.name}: ${error.message}`);
  }
}

function samples(place) {
  DATA.samples.forEach((array, at) => {
    const values = Array.from(numbers(array)), steps = [];
    for (let from = 0; from < values.length; from += DATA.width) steps.push(values.slice(from, from + DATA.width));
    const label = DATA.labels ? `, label ${called(DATA.labels[at])}` : "", button = document.createElement("button");
    button.type = "button";
    button.title = button.ariaLabel = `Input ${at}${label}`;
    if (DATA.image || DATA.sequential) {
      const canvas = line(button, "canvas", "", "pixels"), draw = () => paint(canvas, ...pictureOf(steps), DATA.low, DATA.high);
      draw();
      redraws.push(draw);
    } else {
      button.className = "text";
      button.textContent = DATA.labels ? `${at}: ${called(DATA.labels[at])}` : String(at);
    }
    button.addEventListener("click", () => {
      document.querySelectorAll("[data-input]").forEach((slider, i) => { slider.value = steps[0][i]; slider.nextElementSibling.textContent = steps[0][i]; });
      askValues(steps);
    });
    place.append(button);
  });
}

function begin() {
  const pad = byId("pad") ? new Pad(byId("pad")) : null;
  if (byId("record")) microphone(byId("record"));
  byId("file").addEventListener("change", (event) => file(event.target.files[0], pad));
  const sliders = [...document.querySelectorAll("[data-input]")];
  for (const slider of sliders) {
    slider.addEventListener("input", () => {
      slider.nextElementSibling.textContent = slider.value;
      askValues([sliders.map((each) => Number(each.value))]);
    });
  }
  samples(byId("samples"));
  const drop = byId("drop");
  addEventListener("dragover", (event) => { event.preventDefault(); drop.hidden = false; });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.hidden = true; });
  addEventListener("drop", (event) => { event.preventDefault(); drop.hidden = true; file(event.dataTransfer.files[0], pad); });
  document.body.dataset.state = "idle";
}
begin();
