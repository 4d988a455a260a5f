// All designs of an exploration as points, by any two measures; the best ones stand out.

class Pareto {
  constructor(root) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.told = root.querySelector(".detail p");
    this.selects = ["x", "y", "network"].map((name) => root.querySelector(`[name=${name}]`));
    this.selects.forEach((select) => select.addEventListener("change", () => this.draw()));
    this.canvas.addEventListener("pointermove", (event) => this.pointed(event));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.chosen = null;
    this.draw();
    redraws.push(() => this.draw());
    window.addEventListener("resize", () => this.draw());
  }

  /** Of the values the place of each from 0 to 1, by the logarithm where they span much, and some round values between. */
  scale(values) {
    const low = Math.min(...values), high = Math.max(...values), wide = low > 0 && high / low > 20;
    const as = wide ? Math.log10 : (value) => value, from = as(low), span = as(high) - from || 1;
    const ticks = [];
    if (wide) for (let power = Math.floor(from); power <= from + span; power++) ticks.push(...[1, 2, 5].map((digit) => digit * 10 ** power));
    else {
      const raw = (high - low || 1) / 5, unit = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].find((each) => each * unit >= raw) * unit;
      for (let tick = Math.ceil(low / step) * step; tick <= high + step / 1e6; tick += step) ticks.push(Number(tick.toPrecision(12)));
    }
    return { at: (value) => (as(value) - from) / span, ticks: ticks.filter((tick) => tick >= low && tick <= high) };
  }

  draw() {
    const [x, y, network] = this.selects.map((select) => select.value);
    const places = [x, y].map((name) => DATA.measures.indexOf(name));
    this.shown = DATA.rows.filter((row) => places.every((at) => row.m[at] !== null) && (!network || row.n === network));
    const width = this.root.clientWidth - 2 * parseFloat(getComputedStyle(this.root).paddingLeft), height = Math.min(480, Math.max(300, width * 0.5));
    const context = sized(this.canvas, width, height), [left, right, top, bottom] = [66, 14, 12, 40];
    const [across, up] = places.map((at) => this.scale(this.shown.length ? this.shown.map((row) => row.m[at]) : [0, 1]));
    this.at = (row) => [left + 8 + across.at(row.m[places[0]]) * (width - left - right - 16), height - bottom - 8 - up.at(row.m[places[1]]) * (height - top - bottom - 16)];
    context.font = "11px system-ui, sans-serif";
    context.strokeStyle = colour("line");
    context.fillStyle = colour("soft");
    let before = -Infinity;
    for (const tick of across.ticks) {
      const place = left + 8 + across.at(tick) * (width - left - right - 16);
      context.strokeRect(place, top, 0, height - top - bottom);
      context.textAlign = "center";
      if (place - before > 56) { context.fillText(count(tick), place, height - bottom + 15); before = place; }
    }
    before = Infinity;
    for (const tick of up.ticks) {
      const place = height - bottom - 8 - up.at(tick) * (height - top - bottom - 16);
      context.strokeRect(left, place, width - left - right, 0);
      context.textAlign = "right";
      if (before - place > 14) { context.fillText(count(tick), left - 6, place + 4); before = place; }
    }
    context.fillStyle = colour("ink");
    context.textAlign = "right";
    context.fillText(x + " →", width - right, height - 6);
    context.textAlign = "left";
    context.fillText("↑ " + y, 2, top + 8);
    const hues = [colour("plain"), colour("pos"), colour("neg")];
    for (const rank of [0, 1, 2]) {
      context.fillStyle = hues[rank];
      context.globalAlpha = rank ? 0.9 : 0.45;
      for (const row of this.shown) {
        if ((row.b ? 2 : row.s === "measured" ? 1 : 0) !== rank) continue;
        context.beginPath();
        context.arc(...this.at(row), rank ? 5 : 3.5, 0, 7);
        context.fill();
      }
    }
    context.globalAlpha = 1;
    if (this.chosen && this.shown.includes(this.chosen)) {
      context.strokeStyle = colour("ink");
      context.lineWidth = 2;
      context.beginPath();
      context.arc(...this.at(this.chosen), 9, 0, 7);
      context.stroke();
    }
    this.root.dataset.shown = this.shown.length;
  }

  choose(row) {
    if (row === this.chosen) return;
    this.chosen = row;
    const measures = DATA.measures.map((name, at) => (row.m[at] === null ? "" : `${name} ${count(row.m[at])}`)).filter((text) => text);
    this.told.textContent = `${row.n}, ${row.o || "no options"}: ${measures.join(", ")}; ${row.s}. ${row.c}`;
    this.draw();
  }

  pointed(event) {
    const box = this.canvas.getBoundingClientRect();
    let [nearest, least] = [null, 400];
    for (const row of this.shown) {
      const [x, y] = this.at(row), far = (x - event.clientX + box.left) ** 2 + (y - event.clientY + box.top) ** 2;
      if (far < least) [nearest, least] = [row, far];
    }
    if (nearest) this.choose(nearest);
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const best = this.shown.filter((row) => row.b).sort((a, b) => this.at(a)[0] - this.at(b)[0]);
    if (!step || !best.length) return;
    event.preventDefault();
    const now = best.indexOf(this.chosen);
    this.choose(best[now < 0 ? 0 : Math.max(0, Math.min(best.length - 1, now + step))]);
  }
}

for (const root of document.querySelectorAll("[data-pareto]")) new Pareto(root);
