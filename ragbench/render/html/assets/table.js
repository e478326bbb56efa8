// The table of queries: only the rows in view are in the document, whatever their number.
const SPARE = 8;
const PRINTED = 100;
const LEAST = 0.00005;
// A small screen has room for the query and the pair that is compared.
const narrow = window.matchMedia("(max-width: 700px)");

const OUTCOMES = {
  all: ["every query", () => true],
  gained: ["candidate better", (d) => d > LEAST, "candidate more"],
  lost: ["candidate worse", (d) => d < -LEAST, "candidate less"],
  tied: ["equal", (d) => Math.abs(d) <= LEAST],
  missed: ["0 for every system", (d, values) => values.length > 0 && values.every((v) => v === 0)],
  unscored: ["without a value", (d, values) => values.some(Number.isNaN)],
};

class QueryTable {
  constructor(figures, open) {
    this.figures = figures;
    this.open = open;
    this.place = byId("table");
    this.head = this.place.querySelector("thead");
    this.body = this.place.querySelector("tbody");
    this.metric = figures.metric;
    this.baseline = 0;
    this.candidate = figures.candidate;
    this.sort = { key: "row", down: false };
    this.rows = figures.ids.map((_, row) => row);
    this.lower = figures.ids.map((id, row) => (id + " " + figures.texts[row]).toLowerCase());
    this.current = 0;
    this.startFilters();
    this.startKeys();
    this.place.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw(true)).observe(this.place);
    narrow.addEventListener("change", () => this.refresh());
    window.addEventListener("beforeprint", () => this.drawRows(0, Math.min(PRINTED, this.rows.length)));
    window.addEventListener("afterprint", () => this.draw(true));
    this.refresh();
  }

  get pair() {
    return this.figures.arms.length > 1;
  }

  startFilters() {
    const { figures } = this;
    const fill = (id, names, at) => {
      const select = byId(id);
      select.replaceChildren(...names.map(([value, text]) => el("option", { value, selected: value === at }, text)));
      return select;
    };
    const arms = figures.arms.map((name, arm) => [String(arm), name]);
    fill("filter-metric", figures.metrics.map((name, i) => [String(i), name]), String(this.metric));
    fill("filter-baseline", arms, String(this.baseline));
    fill("filter-candidate", arms, String(this.candidate));
    fill("filter-outcome", Object.entries(OUTCOMES)
      .filter(([key]) => this.pair || !["gained", "lost", "tied"].includes(key))
      .map(([key, [text]]) => [key, text]), "all");
    const types = [...new Set(figures.types)].filter(Boolean).sort();
    fill("filter-type", [["", "all"], ...types.map((type) => [type, type])], "");
    if (types.length < 2) document.querySelector(".of-type").hidden = true;
    if (!this.pair) for (const label of document.querySelectorAll(".of-pair")) label.hidden = true;
    const form = byId("filters");
    form.addEventListener("input", () => this.refresh());
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(() => {
      this.sort = { key: "row", down: false };
      this.refresh();
    }));
  }

  difference(row) {
    const { value } = this.figures;
    return value(this.candidate, this.metric, row) - value(this.baseline, this.metric, row);
  }

  // The difference where more is better, its opposite where less is.
  gain(row) {
    const difference = this.difference(row);
    return this.figures.directions[this.metric] === "lower" ? -difference : difference;
  }

  values(row) {
    return this.figures.arms.map((_, arm) => this.figures.value(arm, this.metric, row));
  }

  refresh() {
    this.metric = Number(byId("filter-metric").value);
    this.baseline = Number(byId("filter-baseline").value);
    this.candidate = Number(byId("filter-candidate").value);
    const words = byId("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const type = byId("filter-type").value;
    const keep = OUTCOMES[byId("filter-outcome").value][1];
    const { types, ids } = this.figures;
    this.nameOutcomes();
    this.rows = [];
    for (let row = 0; row < ids.length; row++) {
      if (type && types[row] !== type) continue;
      if (!words.every((word) => this.lower[row].includes(word))) continue;
      if (!keep(this.gain(row), this.values(row))) continue;
      this.rows.push(row);
    }
    this.sortRows();
    this.current = 0;
    this.drawHead();
    this.place.scrollTop = 0;
    this.draw(true);
    const total = counted(ids.length, "query", "queries");
    put(byId("shown"), this.rows.length === ids.length
      ? total : this.rows.length.toLocaleString("en") + " of " + total);
  }

  // Whether more or less of the metric is better; where neither is, nothing is said to be better.
  get judged() {
    return this.figures.directions[this.metric] !== "none";
  }

  nameOutcomes() {
    for (const option of byId("filter-outcome").options) {
      const [text, , plain] = OUTCOMES[option.value];
      put(option, this.judged || !plain ? text : plain);
    }
  }

  sortRows() {
    const { key, down } = this.sort;
    const { figures } = this;
    if (key === "row") {
      this.rows.sort((a, b) => (down ? b - a : a - b));
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
    // What has no value comes last, whichever way.
    this.rows.sort((a, b) => {
      const x = found.get(a), y = found.get(b);
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
      return sign * (x - y) || a - b;
    });
  }

  columns() {
    const { figures } = this;
    const small = narrow.matches;
    const named = figures.types.some(Boolean);
    const arms = figures.arms.map((name, arm) => ({ key: String(arm), name, className: "figure" }));
    const pair = [this.baseline, this.candidate].map(String);
    return [
      ...(small ? [] : [{ key: "id", name: "id", className: "id" }]),
      { key: "text", name: "query", className: "text" },
      ...(named && !small ? [{ key: "type", name: "type", className: "type" }] : []),
      ...(small ? arms.filter(({ key }) => pair.includes(key)) : arms),
      ...(this.pair ? [{ key: "difference", name: small ? "diff." : "difference", className: "figure change" }] : []),
    ];
  }

  drawHead() {
    const cells = this.columns().map(({ key, name, className }) => {
      const sorted = this.sort.key === key;
      const state = sorted ? (this.sort.down ? "descending" : "ascending") : "none";
      const button = el("button", { type: "button", "data-sort": key, title: name, on: { click: () => this.sortBy(key) } },
        el("span", { dir: "auto" }, ...breakable(name)), el("span", { class: "arrow", "aria-hidden": "true" }, sorted ? (this.sort.down ? "▼" : "▲") : ""));
      return el("th", { scope: "col", class: className, "aria-sort": state }, button);
    });
    this.head.replaceChildren(el("tr", { "aria-rowindex": 1 }, ...cells));
    this.place.style.setProperty("--figures", this.columns().filter(({ className }) => className.startsWith("figure")).length);
  }

  sortBy(key) {
    const figure = !["id", "text", "type"].includes(key);
    this.sort = this.sort.key === key ? { key, down: !this.sort.down } : { key, down: figure };
    this.refresh();
    this.head.querySelector(`[data-sort="${CSS.escape(key)}"]`).focus();
    const { name } = this.columns().find((column) => column.key === key);
    say("Sorted by " + name + ", " + (this.sort.down ? "descending" : "ascending"));
  }

  get height() {
    return parseFloat(getComputedStyle(this.place).getPropertyValue("--row")) || 40;
  }

  draw(anew) {
    const height = this.height;
    const visible = Math.ceil(this.place.clientHeight / height) || 20;
    const top = Math.floor(this.place.scrollTop / height);
    const from = Math.max(0, top - SPARE);
    const to = Math.min(this.rows.length, top + visible + SPARE);
    if (!anew && this.from === from && this.to === to) return;
    this.drawRows(from, to);
  }

  drawRows(from, to) {
    [this.from, this.to] = [from, to];
    const focused = this.body.contains(document.activeElement);
    const width = this.columns().length;
    const spacer = (count) => count > 0
      ? [el("tr", { "aria-hidden": "true", class: "spacer" }, el("td", { colspan: width, style: `height:${count * this.height}px` }))] : [];
    const rows = [];
    for (let at = from; at < to; at++) rows.push(this.row(at));
    if (!rows.length) rows.push(el("tr", {}, el("td", { colspan: width, class: "none" }, "No query fits these filters.")));
    this.body.replaceChildren(...spacer(from), ...rows, ...spacer(this.rows.length - to));
    this.place.querySelector("table").setAttribute("aria-rowcount", this.rows.length + 1);
    if (focused) this.focusCurrent();
  }

  row(at) {
    const { figures } = this;
    const query = this.rows[at];
    const cells = this.columns().map(({ key, className }) => {
      if (key === "id") return el("td", { class: className, dir: "auto" }, figures.ids[query]);
      if (key === "type") return el("td", { class: className, dir: "auto" }, figures.types[query]);
      if (key === "text") {
        const button = el("button", {
          type: "button", class: "open", "data-at": at, dir: "auto", tabindex: at === this.current ? 0 : -1,
        }, figures.texts[query] || figures.ids[query]);
        return el("th", { scope: "row", class: className }, button);
      }
      if (key === "difference") {
        const value = this.difference(query);
        const gain = this.gain(query);
        const sign = !this.judged ? "" : gain > LEAST ? " up" : gain < -LEAST ? " down" : "";
        return el("td", { class: className + sign }, written(value, true));
      }
      const value = figures.value(Number(key), this.metric, query);
      const share = value >= 0 && value <= 1 ? value : 0;
      return el("td", { class: className, style: `--share:${share}` }, written(value, false));
    });
    return el("tr", { "aria-rowindex": at + 2, on: { click: () => this.choose(at) } }, ...cells);
  }

  choose(at) {
    this.current = at;
    this.open(this.rows[at]);
  }

  // The query before or after one of those that are shown; null at the ends.
  beside(query, step) {
    const at = this.rows.indexOf(query);
    const other = at < 0 ? undefined : this.rows[at + step];
    return other === undefined ? null : other;
  }

  startKeys() {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    this.body.addEventListener("keydown", (event) => {
      if (!(event.key in steps)) return;
      event.preventDefault();
      this.moveTo(this.current + steps[event.key]);
    });
    this.body.addEventListener("focusin", (event) => {
      const at = event.target.dataset.at;
      if (at !== undefined) this.current = Number(at);
    });
  }

  moveTo(at) {
    this.current = Math.min(Math.max(at, 0), this.rows.length - 1);
    const height = this.height;
    const above = this.head.offsetHeight;
    const top = this.current * height;
    if (top < this.place.scrollTop) this.place.scrollTop = top;
    const bottom = top + height + above - this.place.clientHeight;
    if (bottom > this.place.scrollTop) this.place.scrollTop = bottom;
    this.draw(true);
    this.focusCurrent();
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
