// The grid of queries: a row per query, a column per system. Only the rows in view are in the document.
const SPARE = 12;
const PRINTED = 100;
const SHADES = 6;

class QueryGrid {
  constructor(figures, open) {
    this.figures = figures;
    this.open = open;
    this.place = byId("table");
    this.head = this.place.querySelector("thead");
    this.body = this.place.querySelector("tbody");
    this.metric = figures.metric;
    [this.a, this.b] = figures.pair;
    this.chip = "all";
    this.slices = slicesOf(figures);
    this.sort = { key: "row", down: false };
    this.rows = figures.ids.map((_, row) => row);
    this.lower = figures.ids.map((id, row) => (id + " " + figures.texts[row]).toLowerCase());
    this.current = 0;
    this.chosen = null;
    this.startFilters();
    this.startKeys();
    this.startTip();
    this.place.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.resized()).observe(this.place);
    window.addEventListener("beforeprint", () => this.drawRows(0, Math.min(PRINTED, this.rows.length)));
    window.addEventListener("afterprint", () => this.draw(true));
    cue(this.place);
    this.refresh();
  }

  get pair() {
    return this.figures.arms.length > 1;
  }

  startFilters() {
    const { figures } = this;
    const options = (names, at) => names.map(([value, text]) => el("option", { value, selected: value === at }, text));
    const arms = figures.arms.map((name, arm) => [String(arm), name]);
    byId("filter-metric").replaceChildren(...options(figures.metrics.map((name, i) => [String(i), name]), String(this.metric)));
    byId("filter-a").replaceChildren(...options(arms, String(this.a)));
    byId("filter-b").replaceChildren(...options(arms, String(this.b)));
    byId("filter-slice").replaceChildren(el("option", { value: "" }, "all"), ...this.slices.map(({ name, counts }, i) =>
      el("optgroup", { label: name }, ...counts.map(([value, count], j) => el("option", { value: i + ":" + j }, value + " (" + count + ")")))));
    if (!this.slices.length) document.querySelector(".of-slice").hidden = true;
    if (!this.pair) for (const label of document.querySelectorAll(".of-pair")) label.hidden = true;
    const form = byId("filters");
    form.addEventListener("input", () => this.refresh());
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(() => {
      this.chip = "all";
      this.sort = { key: "row", down: false };
      this.refresh();
    }));
    // Buttons elsewhere on the page that show their queries here.
    for (const button of document.querySelectorAll("button[data-chip]")) {
      button.addEventListener("click", () => {
        form.reset();
        byId("filter-metric").value = String(figures.metric);
        if (button.dataset.a) byId("filter-a").value = button.dataset.a;
        if (button.dataset.b) byId("filter-b").value = button.dataset.b;
        setTimeout(() => {
          this.show(button.dataset.chip);
          byId("queries").scrollIntoView();
        });
      });
    }
  }

  // Show the queries of a filter, those with the largest difference first.
  show(chip) {
    this.chip = chip;
    if (chip === "a-better") this.sort = { key: "difference", down: this.figures.directions[this.metric] === "lower" };
    if (chip === "b-better") this.sort = { key: "difference", down: this.figures.directions[this.metric] !== "lower" };
    this.refresh();
  }

  difference(row) {
    const { value } = this.figures;
    return value(this.b, this.metric, row) - value(this.a, this.metric, row);
  }

  refresh() {
    const { figures } = this;
    this.metric = Number(byId("filter-metric").value);
    this.a = Number(byId("filter-a").value);
    this.b = Number(byId("filter-b").value);
    const words = byId("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [slice, at] = (byId("filter-slice").value || "-1").split(":").map(Number);
    const part = this.slices[slice];
    const kept = part && part.counts[at][0];
    const chips = chipsFor(figures, this.metric);
    if (!chips.some(([key]) => key === this.chip)) this.chip = "all";
    const counts = new Map(chips.map(([key]) => [key, 0]));
    const asked = new Asked(figures, this.metric, this.a, this.b);
    this.rows = [];
    for (let row = 0; row < figures.ids.length; row++) {
      if (part && String(part.column[row]) !== kept) continue;
      if (words.length && !words.every((word) => this.lower[row].includes(word))) continue;
      asked.at(row);
      for (const [key, { keep }] of chips) {
        if (!keep(asked)) continue;
        counts.set(key, counts.get(key) + 1);
        if (key === this.chip) this.rows.push(row);
      }
    }
    this.scale();
    this.drawChips(chips, counts);
    this.sortRows();
    this.current = 0;
    this.drawHead();
    this.place.scrollTop = 0;
    this.draw(true);
    const total = counted(figures.ids.length, "query", "queries");
    put(byId("shown"), this.rows.length === figures.ids.length
      ? total : this.rows.length.toLocaleString("en") + " of " + total);
  }

  // The range of the colours, and its legend: 0 to 1, or that of the values if they go beyond.
  scale() {
    const { figures } = this;
    [this.low, this.high] = [0, 1];
    for (let arm = 0; arm < figures.arms.length; arm++) {
      for (const row of this.rows) {
        const value = figures.value(arm, this.metric, row);
        if (value < this.low) this.low = value;
        if (value > this.high) this.high = value;
      }
    }
    const direction = figures.directions[this.metric];
    const ramp = document.querySelector(".ramp");
    const ends = direction === "lower" ? [this.high, this.low] : [this.low, this.high];
    ramp.hidden = direction === "none";
    [ramp.firstChild, ramp.lastChild].forEach((end, i) => put(end, String(Number(ends[i].toPrecision(3)))));
  }

  shade(value) {
    const direction = this.figures.directions[this.metric];
    if (Number.isNaN(value) || direction === "none") return "";
    const share = (value - this.low) / (this.high - this.low);
    const good = direction === "lower" ? 1 - share : share;
    // Both ends have a colour of their own, so that a complete failure and a complete success stand out.
    return " s" + (good <= 0 ? 0 : good >= 1 ? SHADES : 1 + Math.min(SHADES - 2, Math.floor(good * (SHADES - 1))));
  }

  drawChips(chips, counts) {
    const plain = this.figures.directions[this.metric] === "none";
    const focused = document.activeElement && document.activeElement.dataset.key;
    byId("chips").replaceChildren(...chips.map(([key, chip]) => el("button", {
      type: "button", class: "chip", "data-key": key, title: chip.title, "aria-pressed": String(key === this.chip),
      disabled: !counts.get(key) && key !== this.chip, on: { click: () => this.show(key) },
    }, plain && chip.plain ? chip.plain : chip.text, " ", el("span", { class: "count" }, counts.get(key).toLocaleString("en")))));
    if (focused) {
      const again = byId("chips").querySelector(`[data-key="${focused}"]`);
      if (again) again.focus({ preventScroll: true });
    }
  }

  sortRows() {
    const { key, down } = this.sort;
    const { figures } = this;
    if (key === "row") {
      if (down) this.rows.reverse();
      return;
    }
    const words = { id: figures.ids, text: figures.texts, type: figures.types }[key];
    const sign = down ? -1 : 1;
    if (words) {
      const order = new Intl.Collator("en", { numeric: true }).compare;
      this.rows.sort((a, b) => sign * order(words[a], words[b]) || a - b);
      return;
    }
    const of = key === "difference" ? (row) => this.difference(row)
      : (row) => figures.value(Number(key), this.metric, row);
    const found = new Map(this.rows.map((row) => [row, of(row)]));
    // Queries without a value come last in either direction.
    this.rows.sort((a, b) => {
      const x = found.get(a), y = found.get(b);
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
      return sign * (x - y) || a - b;
    });
  }

  get small() {
    return this.place.clientWidth < 900;
  }

  columns() {
    const { figures } = this;
    const named = figures.types.some(Boolean);
    const side = (arm) => (!this.pair ? "" : arm === this.b ? "B" : arm === this.a ? "A" : "");
    return [
      { key: "text", name: "query", className: "text" },
      ...(this.small ? [] : [{ key: "id", name: "id", className: "id" }]),
      ...(named && !this.small ? [{ key: "type", name: "type", className: "type" }] : []),
      ...figures.arms.map((name, arm) => ({ key: String(arm), name, className: "figure", side: side(arm) })),
      ...(this.pair ? [{ key: "difference", name: "B − A", className: "figure change" }] : []),
    ];
  }

  drawHead() {
    this.shown = this.columns();
    const cells = this.shown.map(({ key, name, className, side }) => {
      const sorted = this.sort.key === key;
      const state = sorted ? (this.sort.down ? "descending" : "ascending") : "none";
      const button = el("button", { type: "button", "data-sort": key, title: name, on: { click: () => this.sortBy(key) } },
        side ? el("span", { class: "side" }, side) : null,
        el("span", { class: "name", dir: "auto" }, ...breakable(name)),
        el("span", { class: "arrow", "aria-hidden": "true" }, sorted ? (this.sort.down ? "▼" : "▲") : ""));
      return el("th", { scope: "col", class: className, "aria-sort": state }, button);
    });
    this.head.replaceChildren(el("tr", { "aria-rowindex": 1 }, ...cells));
    const figures = this.shown.filter(({ className }) => className.startsWith("figure")).length;
    this.place.style.setProperty("--figures", figures);
    this.place.style.setProperty("--words", this.shown.length - figures - 1);
  }

  sortBy(key) {
    const figure = !["id", "text", "type"].includes(key);
    this.sort = this.sort.key === key ? { key, down: !this.sort.down } : { key, down: figure };
    this.refresh();
    this.head.querySelector(`[data-sort="${CSS.escape(key)}"]`).focus();
    const { name } = this.shown.find((column) => column.key === key);
    say("Sorted by " + name + ", " + (this.sort.down ? "descending" : "ascending"));
  }

  get height() {
    return parseFloat(getComputedStyle(this.place).getPropertyValue("--row")) || 36;
  }

  resized() {
    if (this.shown && this.shown.length !== this.columns().length) this.drawHead();
    this.rowHeight = this.height;
    this.draw(true);
  }

  draw(anew) {
    const height = this.rowHeight || (this.rowHeight = this.height);
    const visible = Math.ceil(this.place.clientHeight / height) || 20;
    const top = Math.max(0, Math.floor(this.place.scrollTop / height));
    if (!anew && this.from <= top && this.to >= Math.min(this.rows.length, top + visible)) return;
    this.drawRows(Math.max(0, top - SPARE), Math.min(this.rows.length, top + visible + SPARE), !anew);
  }

  // Rows that stay in view keep their elements and their places in the document.
  drawRows(from, to, keep = false) {
    const focused = this.body.contains(document.activeElement);
    if (keep && this.from < to && from < this.to) this.moveRows(from, to);
    else this.placeRows(from, to);
    [this.from, this.to] = [from, to];
    this.above.firstChild.style.height = from * this.rowHeight + "px";
    this.below.firstChild.style.height = (this.rows.length - to) * this.rowHeight + "px";
    this.above.hidden = !from;
    this.below.hidden = to >= this.rows.length;
    if (focused && !this.body.contains(document.activeElement)) this.focusCurrent();
  }

  placeRows(from, to) {
    const spacer = () => el("tr", { "aria-hidden": "true", class: "spacer" }, el("td", { colspan: this.shown.length }));
    [this.above, this.below] = [spacer(), spacer()];
    this.drawn = new Map();
    for (let at = from; at < to; at++) this.drawn.set(at, this.row(at));
    const rows = this.rows.length ? [...this.drawn.values()]
      : [el("tr", {}, el("td", { colspan: this.shown.length, class: "none" }, "No query fits these filters."))];
    this.body.replaceChildren(...[this.above, ...rows, this.below]);
    this.place.querySelector("table").setAttribute("aria-rowcount", this.rows.length + 1);
  }

  // Remove the rows that leave, and add those that come, at the two ends.
  moveRows(from, to) {
    for (const [at, tr] of this.drawn) {
      if (at >= from && at < to) continue;
      tr.remove();
      this.drawn.delete(at);
    }
    const added = (first, last) => {
      const rows = [];
      for (let at = first; at < last; at++) {
        const tr = this.row(at);
        this.drawn.set(at, tr);
        rows.push(tr);
      }
      return rows;
    };
    this.above.after(...added(from, Math.min(to, this.from)));
    this.below.before(...added(Math.max(from, this.to), to));
  }

  row(at) {
    const query = this.rows[at];
    return el("tr", { "aria-rowindex": at + 2, "data-query": query, class: query === this.chosen ? "chosen" : null },
      ...this.shown.map((column) => this.cell(column, query, at)));
  }

  cell({ key, className }, query, at) {
    const { figures } = this;
    if (key === "text") {
      return el("th", { scope: "row", class: className }, el("button", {
        type: "button", class: "open", "data-at": at, dir: "auto", tabindex: at === this.current ? 0 : -1,
      }, figures.texts[query] || figures.ids[query]));
    }
    if (key === "id" || key === "type") {
      return el("td", { class: className, dir: "auto" }, (key === "id" ? figures.ids : figures.types)[query]);
    }
    if (key === "difference") return el("td", { class: className + this.sign(query) }, written(this.difference(query), true));
    const value = figures.value(Number(key), this.metric, query);
    return el("td", { class: className + this.shade(value), "data-arm": key }, written(value, false));
  }

  // The class of a gain or loss of B; none for a metric without direction.
  sign(query) {
    const direction = this.figures.directions[this.metric];
    const value = this.difference(query);
    const gain = direction === "lower" ? -value : value;
    if (direction === "none" || !(Math.abs(gain) > LEAST)) return "";
    return gain > 0 ? " up" : " down";
  }

  // The first relevant rank beside the pointer.
  startTip() {
    const tip = byId("tip");
    this.body.addEventListener("pointerover", (event) => {
      const cell = event.target.closest("td[data-arm]");
      tip.hidden = !cell;
      if (!cell) return;
      put(tip, this.hover(Number(cell.dataset.arm), Number(cell.parentNode.dataset.query)));
      const box = cell.getBoundingClientRect();
      const left = Math.min(Math.max(4, box.left), window.innerWidth - tip.offsetWidth - 4);
      tip.style.left = left + "px";
      tip.style.top = (box.top > tip.offsetHeight + 8 ? box.top - tip.offsetHeight - 4 : box.bottom + 4) + "px";
    });
    this.place.addEventListener("pointerleave", () => { tip.hidden = true; });
    this.place.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
  }

  hover(arm, query) {
    const { figures } = this;
    const failure = figures.failures[arm][query];
    const value = figures.metrics[this.metric] + " " + written(figures.value(arm, this.metric, query), false);
    const found = failure ? "failed: " + failure : figures.ranked(arm) ? firstFound(figures, arm, query) : "";
    return [figures.arms[arm] + ": " + value, found].filter(Boolean).join("; ");
  }

  choose(at) {
    this.current = at;
    this.open(this.rows[at]);
  }

  // Mark the query that the panel shows.
  mark(query) {
    this.chosen = query;
    for (const tr of this.body.querySelectorAll("tr[data-query]")) tr.classList.toggle("chosen", Number(tr.dataset.query) === query);
  }

  // The query before or after one of those that are shown; null at the ends.
  beside(query, step) {
    const at = this.rows.indexOf(query);
    const other = at < 0 ? undefined : this.rows[at + step];
    return other === undefined ? null : other;
  }

  startKeys() {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    this.body.addEventListener("click", (event) => {
      const tr = event.target.closest("tr[data-query]");
      if (tr) this.choose(this.rows.indexOf(Number(tr.dataset.query)));
    });
    this.body.addEventListener("keydown", (event) => {
      if (!(event.key in steps)) return;
      event.preventDefault();
      this.moveTo(this.current + steps[event.key]);
      if (this.follow) this.follow(this.rows[this.current]);
    });
    this.body.addEventListener("focusin", (event) => {
      const { at } = event.target.dataset;
      if (at !== undefined) this.current = Number(at);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, select, textarea")) return;
      event.preventDefault();
      byId("filter-text").focus();
    });
  }

  moveTo(at) {
    this.current = Math.min(Math.max(at, 0), this.rows.length - 1);
    this.reveal();
    this.draw(true);
    this.focusCurrent();
  }

  // Scroll until the current row is in view.
  reveal() {
    const height = this.rowHeight;
    const top = this.current * height;
    if (top < this.place.scrollTop) this.place.scrollTop = top;
    const bottom = top + height + this.head.offsetHeight - this.place.clientHeight;
    if (bottom > this.place.scrollTop) this.place.scrollTop = bottom;
  }

  focusQuery(query) {
    const at = this.rows.indexOf(query);
    if (at >= 0) this.moveTo(at);
  }

  focusCurrent() {
    const button = this.body.querySelector(`[data-at="${this.current}"]`);
    if (button) button.focus({ preventScroll: true });
  }
}
