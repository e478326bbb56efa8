// One query: what should be found, and what every system found, side by side.
const EVIDENCE = 0;
const MASKED = 1;
const CLAMPED = 350;

function evidenceMarks(texts, item, query, shift) {
  const document_ = texts.documents[item];
  const start = texts.starts[item] + shift;
  return texts.evidence[query]
    .filter(([of, , end, grade, kind]) => of === document_ && end >= 0 && (kind === MASKED || grade > 0))
    .map(([, low, high, grade, kind]) => ({
      start: low - start, end: high - start,
      className: kind === MASKED ? "masked" : "evidence",
      title: kind === MASKED ? "the query was taken from here" : "evidence, grade " + grade,
    }));
}

function passage(texts, item, query) {
  const pieces = texts.pieces[item];
  if (!pieces || !pieces.length) return null;
  const content = [];
  let end = 0;
  for (const [shift, text] of pieces) {
    if (shift > end) content.push(el("span", { class: "gap" }, " … "));
    content.push(...marked(text, evidenceMarks(texts, item, query, shift)));
    end = shift + charactersOf(text);
  }
  if (end < texts.lengths[item]) content.push(el("span", { class: "gap" }, " …"));
  const shown = el("p", { class: "passage", dir: "auto" }, ...content);
  return end > CLAMPED && !shown.querySelector("mark") ? clamped(shown) : shown;
}

// Long texts without anything marked show their first lines.
function clamped(shown) {
  shown.classList.add("clamped");
  const more = el("button", { type: "button", class: "more", "aria-expanded": "false" }, "Show all");
  more.addEventListener("click", () => {
    const open = !shown.classList.toggle("clamped");
    put(more, open ? "Show less" : "Show all");
    more.setAttribute("aria-expanded", String(open));
  });
  return el("div", {}, shown, more);
}

function badge(label) {
  if (label === NOT_JUDGED) return el("span", { class: "tag none" }, "not judged");
  if (label > 0) return el("span", { class: "tag relevant" }, "relevant" + (label > 1 ? ", grade " + label : ""));
  return el("span", { class: "tag" }, "not relevant");
}

function rankedItem(figures, texts, query, row) {
  // The same item is shown in every ranking while the pointer is on it.
  const mark = (on) => {
    for (const other of byId("query").querySelectorAll(`[data-item="${row.item}"]`)) other.classList.toggle("same", on);
  };
  return el("li", {
    class: row.label > 0 ? "ranked relevant" : "ranked", value: row.rank, "data-item": row.item,
    on: { pointerenter: () => mark(true), pointerleave: () => mark(false) },
  },
    el("div", { class: "line" },
      el("span", { class: "rank" }, String(row.rank)),
      el("span", { class: "item", dir: "auto" }, figures.items[row.item]),
      badge(row.label),
      el("span", { class: "score", title: "score" }, Number.isFinite(row.score) ? String(Number(row.score.toPrecision(4))) : String(row.score))),
    texts.titles[row.item] ? el("p", { class: "title", dir: "auto" }, texts.titles[row.item]) : null,
    passage(texts, row.item, query));
}

function rankingColumn(figures, texts, query, arm) {
  const id = "ranking-" + arm;
  const failure = figures.failures[arm][query];
  const rows = figures.ranking(arm, query);
  const first = figures.first(arm, query);
  const found = failure ? "failed: " + failure : first ? "first relevant at rank " + first : "nothing relevant found";
  const content = rows.length
    ? el("ol", { class: "ranking" }, ...rows.map((row) => rankedItem(figures, texts, query, row)))
    : el("p", { class: "quiet" }, "It ranked nothing.");
  return el("section", { class: "system", "aria-labelledby": id },
    el("h4", { id, dir: "auto" }, ...breakable(figures.arms[arm])), el("p", { class: "quiet", dir: "auto" }, found), content);
}

function quotation(text, whole) {
  if (!whole) return el("p", { class: "passage", dir: "auto" }, el("mark", { class: "evidence" }, text));
  const shown = el("p", { class: "passage", dir: "auto" }, text, " …");
  return charactersOf(text) > CLAMPED ? clamped(shown) : shown;
}

function wanted(figures, texts, query) {
  const parts = [];
  const evidence = texts.evidence[query];
  const said = evidence.filter(([, , , grade, kind]) => kind === EVIDENCE && grade > 0);
  if (said.length) {
    parts.push(el("h3", {}, "Evidence"), el("ul", { class: "evidence-list" }, ...said.map(([of, low, high, grade, , text]) => el("li", {},
      el("span", { class: "item", dir: "auto" }, texts.document_ids[of]), " ",
      el("span", { class: "quiet" }, (high < 0 ? "the whole document" : "characters " + low + " to " + high) + ", grade " + grade),
      text ? quotation(text, high < 0) : null))));
  } else {
    const arm = figures.group.findIndex((group) => group >= 0);
    if (arm >= 0) {
      const { rows, total } = figures.relevant(arm, query);
      const named = rows.map(({ item, grade }) => figures.items[item] + (grade > 1 ? " (grade " + grade + ")" : "")).join(", ");
      const more = total > rows.length ? " and " + (total - rows.length) + " more" : "";
      parts.push(el("p", { dir: "auto" }, total ? "To be found: " + named + more : "Nothing is judged relevant to this query."));
    }
  }
  if (texts.references[query]) {
    parts.push(el("h3", {}, "Reference answer"), el("p", { class: "answer", dir: "auto" }, texts.references[query]));
  }
  return parts;
}

function valuesTable(figures, query, metric) {
  const names = [figures.metrics[metric], ...figures.metrics.filter((_, i) => i !== metric)];
  const rows = names.map((name) => {
    const at = figures.metrics.indexOf(name);
    return el("tr", {}, el("th", { scope: "row" }, name),
      ...figures.arms.map((_, arm) => el("td", {}, written(figures.value(arm, at, query), false))));
  });
  const table = (shown) => el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Values of the query" },
    el("table", { class: "plain" },
      el("caption", { class: "hidden" }, "Values of the query by system"),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "metric"),
        ...figures.arms.map((name) => el("th", { scope: "col", dir: "auto" }, ...breakable(name))))),
      el("tbody", {}, ...shown)));
  if (rows.length < 2) return [table(rows)];
  return [table(rows.slice(0, 1)), el("details", {}, el("summary", {}, "All metrics of this query"), table(rows.slice(1)))];
}

class QueryView {
  constructor(figures) {
    this.figures = figures;
    this.place = byId("query");
    this.table = null;
    this.place.addEventListener("close", () => {
      history.replaceState(null, "", location.pathname + location.search);
      this.table.focusQuery(this.query);
    });
    // A click beside the dialog closes it.
    this.place.addEventListener("click", (event) => { if (event.target === this.place) this.place.close(); });
    this.place.addEventListener("keydown", (event) => {
      if (event.target.closest("pre, .scroll, input")) return;
      if (event.key === "ArrowLeft") this.step(-1);
      if (event.key === "ArrowRight") this.step(1);
    });
  }

  step(by) {
    const other = this.table.beside(this.query, by);
    if (other !== null) this.open(other);
  }

  // The query that the address names: "#q=ID".
  openNamed() {
    const named = /^#q=(.*)$/.exec(location.hash);
    const query = named ? this.figures.ids.indexOf(decoded(named[1])) : -1;
    if (query >= 0) this.open(query);
  }

  async open(query) {
    this.query = query;
    const texts = await block("texts");
    if (this.query !== query) return;
    const { figures } = this;
    this.place.replaceChildren(el("div", { class: "inside" }, this.top(query), ...this.content(figures, texts, query)));
    if (!this.place.open) this.place.showModal();
    this.place.scrollTop = 0;
    history.replaceState(null, "", "#q=" + encodeURIComponent(figures.ids[query]));
    this.place.querySelector("h2").focus();
  }

  top(query) {
    const { figures, table } = this;
    const beside = (name, by) => el("button", {
      type: "button", class: "small", disabled: table.beside(query, by) === null, on: { click: () => this.step(by) },
    }, name);
    return el("div", { class: "query-top" },
      el("p", { class: "quiet", dir: "auto" }, [figures.ids[query], figures.types[query]].filter(Boolean).join(" · ")),
      el("div", { class: "buttons" }, beside("← Previous", -1), beside("Next →", 1),
        el("button", { type: "button", class: "small", on: { click: () => this.place.close() } }, "Close")));
  }

  content(figures, texts, query) {
    const facts = Object.entries(figures.meta).map(([name, column]) => [name, column[query]])
      .filter(([, value]) => value !== null && value !== "");
    const parts = [
      el("h2", { id: "query-title", tabindex: -1, dir: "auto" }, figures.texts[query] || figures.ids[query]),
      ...valuesTable(figures, query, this.table.metric),
      ...wanted(figures, texts, query),
    ];
    const answers = figures.arms.map((name, arm) => [name, texts.answers[arm] && texts.answers[arm][query]]).filter(([, row]) => row);
    if (answers.length) {
      const legend = el("p", { class: "legend" },
        ...Object.entries(SUPPORT).map(([verdict, [className, sign]]) => el("mark", { class: className }, sign + " " + verdict)));
      const judged = answers.some(([, row]) => judgedTexts(row.details).some(([, claims]) => claims.statements.length));
      parts.push(el("h3", {}, "Answers"), judged ? legend : null,
        el("div", { class: "systems", tabindex: 0, role: "region", "aria-label": "Answers side by side" },
          ...answers.map(([name, row]) => answerCard(name, row))));
    }
    const arms = figures.arms.map((_, arm) => arm).filter((arm) => figures.ranked(arm));
    if (arms.length) {
      parts.push(el("h3", {}, "Rankings"), el("div", { class: "systems", tabindex: 0, role: "region", "aria-label": "Rankings side by side" },
        ...arms.map((arm) => rankingColumn(figures, texts, query, arm))));
    }
    if (facts.length) {
      parts.push(el("details", {}, el("summary", {}, "What is known of the query"), el("dl", { class: "facts" },
        ...facts.map(([name, value]) => el("div", {}, el("dt", { dir: "auto" }, name), el("dd", { dir: "auto" }, String(value)))))));
    }
    return parts;
  }
}
