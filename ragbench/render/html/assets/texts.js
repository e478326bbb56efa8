// The text of an item with its evidence marked, and what should be found.
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
