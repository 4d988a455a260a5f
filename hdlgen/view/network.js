// The network: every layer a column of points, every connection a line; what the pointer or the keyboard chooses stands out.

const MARGIN = 26, FOOT = 46, TOP = 12;

class NetworkView {
  /** `random`: the same paths, but at random. */
  constructor(stack, random, picture) {
    [this.base, this.top] = stack.querySelectorAll("canvas");
    this.stack = stack;
    this.random = random;
    this.picture = picture;
    this.levels = DATA.network.levels;
    this.top.addEventListener("pointermove", (event) => this.pointed(event, false));
    this.top.addEventListener("pointerdown", (event) => this.pointed(event, true));
    this.top.addEventListener("pointerleave", () => picture.choose(null, false));
    this.top.addEventListener("keydown", (event) => picture.key(event));
  }

  /** Read when it is shown: random paths are not, at first. */
  get links() {
    this.known = this.known || DATA.network.links.map((link) => this.read(link)).filter((link) => link);
    return this.known;
  }

  read(link) {
    if (this.random && link.rs === undefined) return null;
    const source = numbers(this.random ? link.rs : link.s), target = numbers(this.random ? link.rd : link.d);
    const weight = numbers(link.w);
    let heaviest = 1;
    for (const w of weight) heaviest = Math.max(heaviest, Math.abs(w));
    // Of paths the first ones are shown first, of other lines the heaviest.
    let order = null;
    if (link.trail === null) {
      order = Uint32Array.from(source, (_, i) => i);
      order.sort((a, b) => Math.abs(weight[b]) - Math.abs(weight[a]) || a - b);
    }
    return { ...link, source, target, weight, heaviest, order };
  }

  /** Of links of paths the fewest and most into a neuron, and which share of all edges has the same ends as another one. */
  count() {
    const reads = [];
    let lines = 0, distinct = 0;
    for (const link of this.links) {
      if (link.trail === null) continue;
      const into = new Uint32Array(this.levels[link.to].points), pairs = new Float64Array(link.source.length);
      for (let i = 0; i < link.source.length; i++) {
        into[link.target[i]]++;
        pairs[i] = link.target[i] * this.levels[link.from].points + link.source[i];
      }
      pairs.sort();
      const [least, most] = [into.reduce((a, b) => Math.min(a, b)), into.reduce((a, b) => Math.max(a, b))];
      reads.push(`${count(least)}${most > least ? " to " + count(most) : ""} into a neuron of layer ${link.to}`);
      lines += link.source.length;
      distinct += pairs.reduce((found, pair, i) => found + (i === 0 || pair !== pairs[i - 1]), 0);
    }
    return { reads, repeated: lines ? 1 - distinct / lines : 0 };
  }

  layout() {
    const room = this.stack.parentElement.clientWidth, last = this.levels.length - 1;
    const arcs = this.links.some((link) => link.from === link.to && link.to === last) ? 46 : 0;
    this.width = Math.max(room, 2 * MARGIN + arcs + last * 64);
    this.height = Math.max(320, Math.min(520, this.width * 0.5));
    this.step = (this.width - 2 * MARGIN - arcs) / Math.max(1, last);
    this.stack.style.width = this.width + "px";
    this.stack.style.height = this.height + "px";
  }

  x(level) { return MARGIN + level * this.step; }

  /** Top of the column and distance of its points: small levels stand in the middle. */
  column(level) {
    const room = this.height - FOOT - TOP, points = this.levels[level].points, span = Math.min(room, 30 * points);
    return [TOP + (room - span) / 2, span / points];
  }

  y(level, point) {
    const [top, distance] = this.column(level);
    return top + (point + 0.5) * distance;
  }

  line(context, link, i, columns) {
    const [fromTop, fromStep] = columns[link.from], [toTop, toStep] = columns[link.to];
    const a = fromTop + (link.source[i] + 0.5) * fromStep, b = toTop + (link.target[i] + 0.5) * toStep;
    const left = this.x(link.from), right = this.x(link.to);
    context.moveTo(left, a);
    if (link.from === link.to) context.quadraticCurveTo(left + 14 + Math.abs(b - a) * 0.9, (a + b) / 2, left, b);
    else if (link.to - link.from > 1) context.quadraticCurveTo((left + right) / 2, Math.min(a, b) - 34, right, b);
    else context.lineTo(right, b);
  }

  /** Lines in few strokes: those of a sign and of a quarter of the weights together. */
  strokes(context, lines, alpha, wide) {
    const columns = this.levels.map((_, level) => this.column(level));
    const hues = [colour("neg"), colour("pos"), colour("plain")];
    const heaps = new Map();
    for (const [link, i] of lines) {
      const weight = link.weight[i];
      const hue = link.plain ? 2 : weight > 0 ? 1 : 0;
      const heavy = Math.min(3, Math.floor((Math.abs(weight) * 4) / link.heaviest));
      const key = heavy * 3 + hue;
      if (!heaps.has(key)) heaps.set(key, []);
      heaps.get(key).push([link, i]);
    }
    context.globalAlpha = alpha;
    for (const key of [...heaps.keys()].sort((a, b) => a - b)) {
      context.strokeStyle = hues[key % 3];
      context.lineWidth = wide * (0.45 + 0.35 * Math.floor(key / 3));
      const heap = heaps.get(key);
      for (let at = 0; at < heap.length; at += 64) {
        context.beginPath();
        for (const [link, i] of heap.slice(at, at + 64)) this.line(context, link, i, columns);
        context.stroke();
      }
    }
    context.globalAlpha = 1;
  }

  /** The lines that the controls let through, as many of each link as are asked for. */
  *shown() {
    const { most, sign, share } = this.picture;
    for (const link of this.links) {
      for (let place = 0; place < Math.min(most, link.source.length); place++) {
        const i = link.order ? link.order[place] : place;
        if (this.passes(link, i, sign, share)) yield [link, i];
      }
    }
  }

  passes(link, i, sign, share) {
    const weight = link.weight[i];
    if (link.plain) return true;
    return weight !== 0 && (sign === 0 || weight * sign > 0) && Math.abs(weight) >= share * link.heaviest;
  }

  draw() {
    this.layout();
    const context = sized(this.base, this.width, this.height);
    const lines = [...this.shown()];
    this.strokes(context, lines, Math.max(0.16, Math.min(0.6, 90 / Math.sqrt(lines.length + 1) / 2)), 1);
    this.columns(context);
    this.mark();
    return lines.length;
  }

  columns(context) {
    const ink = colour("ink"), soft = colour("soft"), card = colour("card");
    context.textAlign = "center";
    this.levels.forEach((level, number) => {
      const [top, distance] = this.column(number), x = this.x(number);
      if (distance >= 5) {
        const radius = Math.min(5, distance * 0.36);
        context.lineWidth = 1.2;
        context.strokeStyle = ink;
        context.fillStyle = card;
        for (let point = 0; point < level.points; point++) {
          context.beginPath();
          context.arc(x, top + (point + 0.5) * distance, radius, 0, 7);
          context.fill();
          context.stroke();
        }
      } else {
        context.fillStyle = ink;
        context.fillRect(x - 1.5, top, 3, distance * level.points);
      }
      context.fillStyle = ink;
      context.font = "600 12px system-ui, sans-serif";
      context.textAlign = number === 0 ? "left" : number === this.levels.length - 1 && this.step < 90 ? "right" : "center";
      const at = number === 0 ? 4 : context.textAlign === "right" ? this.width - 2 : x;
      context.fillText(level.shape ? level.shape.join("×") : count(level.points), at, this.height - FOOT + 20);
      context.fillStyle = soft;
      context.font = "11px system-ui, sans-serif";
      context.fillText(level.called, at, this.height - FOOT + 35, this.step < 90 ? this.step + 8 : undefined);
    });
  }

  /** Of each link the numbers of the lines that touch a point, and of all paths that do. */
  through(level, point) {
    const trails = new Map();
    const touched = this.links.map((link) => {
      const found = [];
      for (let i = 0; i < link.source.length; i++) {
        if ((link.from === level && link.source[i] === point) || (link.to === level && link.target[i] === point)) found.push(i);
      }
      if (link.trail !== null) {
        if (!trails.has(link.trail)) trails.set(link.trail, new Set());
        found.forEach((i) => trails.get(link.trail).add(i));
      }
      return found;
    });
    return { lines: this.links.map((link, at) => (link.trail === null ? touched[at] : [...trails.get(link.trail)])), touched };
  }

  mark() {
    const context = sized(this.top, this.width, this.height), chosen = this.picture.chosen;
    if (!chosen) return;
    context.globalAlpha = 0.72;
    context.fillStyle = colour("card");
    context.fillRect(0, 0, this.width, this.height - FOOT + 4);
    const { lines } = this.through(chosen.level, chosen.point), { sign, share } = this.picture, some = [];
    this.links.forEach((link, at) => lines[at].forEach((i) => this.passes(link, i, sign, share) && some.push([link, i])));
    this.strokes(context, some, some.length > 400 ? 0.5 : 0.9, some.length > 400 ? 1.1 : 1.7);
    this.columns(context);
    context.fillStyle = colour("focus");
    context.beginPath();
    context.arc(this.x(chosen.level), this.y(chosen.level, chosen.point), 6, 0, 7);
    context.fill();
  }

  pointed(event, pin) {
    const box = this.top.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    const level = Math.max(0, Math.min(this.levels.length - 1, Math.round((x - MARGIN) / this.step)));
    const [top, distance] = this.column(level);
    const near = Math.abs(x - this.x(level)) < Math.max(18, this.step * 0.3) && y < this.height - FOOT + 8;
    const point = Math.max(0, Math.min(this.levels[level].points - 1, Math.floor((y - top) / distance)));
    this.picture.choose(near ? { level, point } : null, pin);
  }
}

class NetworkPicture {
  constructor(root) {
    this.root = root;
    this.most = 1024;
    this.sign = 0;
    this.share = 0;
    this.chosen = null;
    this.pinned = false;
    const stacks = root.querySelectorAll(".stack");
    this.views = [...stacks].map((stack, at) => new NetworkView(stack, at === 1, this));
    this.detail = root.querySelector(".detail p");
    this.field = root.querySelector(".detail canvas");
    this.idle = this.detail.textContent;
    this.controls();
    this.draw();
    setTimeout(() => this.describe(0));
    redraws.push(() => this.draw());
    let wide = window.innerWidth;
    window.addEventListener("resize", () => { if (window.innerWidth !== wide) { wide = window.innerWidth; this.draw(); } });
  }

  controls() {
    const most = this.root.querySelector("[name=most]"), sign = this.root.querySelector("[name=sign]");
    const share = this.root.querySelector("[name=share]"), beside = this.root.querySelector("[name=beside]");
    const longest = Math.max(...DATA.network.links.map((link) => numbers(link.w).length));
    most.max = Math.ceil(Math.log2(longest));
    most.value = Math.min(10, most.max);
    const change = () => {
      this.most = Math.min(2 ** most.value, longest);
      this.sign = Number(sign.value);
      this.share = share.value / 100;
      this.root.querySelector("[name=mostSaid]").textContent = count(this.most);
      this.root.querySelector("[name=shareSaid]").textContent = share.value + " %";
      this.draw();
    };
    for (const control of [most, sign, share]) control.addEventListener("input", change);
    if (beside) {
      beside.addEventListener("change", () => {
        this.root.querySelectorAll(".view")[1].hidden = !beside.checked;
        this.root.querySelector(".views").classList.toggle("two-beside", beside.checked);
        this.draw();
        setTimeout(() => this.describe(1));
      });
    }
    this.most = Math.min(2 ** most.value, longest);
    this.root.querySelector("[name=mostSaid]").textContent = count(this.most);
  }

  describe(at) {
    const place = this.root.querySelectorAll(".statistics")[at], found = this.views[at].count();
    if (!found.reads.length) return;
    place.textContent = `Paths: ${found.reads.join(", ")}; ${(100 * found.repeated).toFixed(1)} % of the edges repeat another one.`;
  }

  draw() {
    let drawn = 0;
    for (const view of this.views) if (!view.stack.closest("[hidden]")) drawn = drawn || view.draw();
    this.root.dataset.lines = drawn;
  }

  choose(chosen, pin) {
    if (this.pinned && !pin) return;
    const same = chosen && this.chosen && chosen.level === this.chosen.level && chosen.point === this.chosen.point;
    if (pin) this.pinned = Boolean(chosen) && !(this.pinned && same);
    else if (same || (!chosen && !this.chosen)) return;
    this.chosen = pin && !this.pinned ? null : chosen;
    for (const view of this.views) if (!view.stack.closest("[hidden]")) view.mark();
    this.tell();
  }

  key(event) {
    const levels = DATA.network.levels, far = event.shiftKey ? 16 : 1;
    const now = this.chosen || { level: 0, point: -1 };
    const moves = { ArrowUp: [0, -far], ArrowDown: [0, far], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    if (event.key === "Escape") this.pinned = true, this.choose(this.chosen, true);
    if (!moves[event.key]) return;
    event.preventDefault();
    const level = Math.max(0, Math.min(levels.length - 1, now.level + moves[event.key][0]));
    const scale = levels[level].points / levels[now.level].points;
    const moved = level === now.level ? now.point + moves[event.key][1] : Math.floor((now.point + 0.5) * scale);
    this.pinned = false;
    this.choose({ level, point: Math.max(0, Math.min(levels[level].points - 1, moved)) }, true);
  }

  tell() {
    const chosen = this.chosen;
    this.root.dataset.chosen = chosen ? `${chosen.level}:${chosen.point}` : "";
    if (!chosen) {
      this.detail.textContent = this.idle;
      this.field.hidden = true;
      return;
    }
    const view = this.views[0], level = DATA.network.levels[chosen.level];
    const { lines, touched } = view.through(chosen.level, chosen.point);
    const parts = [];
    let paths = 0;
    view.links.forEach((link, at) => {
      if (link.trail !== null) paths = Math.max(paths, lines[at].length);
      const inward = touched[at].filter((i) => link.to === chosen.level && link.target[i] === chosen.point).length;
      const outward = touched[at].filter((i) => link.from === chosen.level && link.source[i] === chosen.point).length;
      const own = link.from === link.to ? "its own layer's state" : "";
      if (inward) parts.push(`reads ${count(inward)} of ${own || "layer " + link.from}`);
      if (outward && !own) parts.push(`is read by ${count(outward)} of layer ${link.to}`);
    });
    const what = level.points < level.width ? "Channel" : chosen.level === 0 ? "Input" : "Neuron";
    const where = chosen.level === 0 ? "" : ` of layer ${chosen.level} (${level.called})`;
    const through = paths ? `; ${count(paths)} paths run through it` : "";
    this.detail.textContent = `${what} ${count(chosen.point)}${where}: ${parts.join(", ") || "nothing reads it"}${through}.` +
      (this.pinned ? " Pinned; Escape or a click lets go." : "");
    this.receptive(lines);
  }

  /** Where the input is an image: of layer 1 the weights by pixel, of others how many paths come from each. */
  receptive(lines) {
    const shape = DATA.image, chosen = this.chosen;
    const paths = this.views[0].links.map((link, at) => [link, lines[at]]);
    const first = paths.filter(([link]) => link.from === 0 && (chosen.level < 2 || link.trail !== null));
    this.field.hidden = !shape || !first.length || DATA.network.levels[0].points !== shape[0] * shape[1] * shape[2];
    if (this.field.hidden) return;
    const values = new Float64Array(shape[0] * shape[1] * shape[2]);
    if (chosen.level === 0) values[chosen.point] = 1;
    else for (const [link, some] of first) for (const i of some) values[link.source[i]] += chosen.level === 1 ? link.weight[i] : 1;
    const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
    paint(this.field, values, shape, chosen.level === 1 ? -most : 0, most);
    this.field.style.width = "7rem";
    this.field.style.height = (7 * shape[0]) / shape[1] + "rem";
  }
}

for (const root of document.querySelectorAll("[data-network]")) new NetworkPicture(root);
