// Answers, their claims coloured by support, and the sources they were made from.
const SUPPORT = { supported: ["supported", "✓"], contradicted: ["contradicted", "✗"], "not found": ["unfound", "?"] };

// The details that hold statements (ragbench/answers/judge/statements.py), by metric.
function judgedTexts(details) {
  return Object.entries(details).filter(([, found]) => found && Array.isArray(found.statements));
}

function claimMarks(claims) {
  return claims.statements
    .filter((one) => one.start !== null && one.end !== null)
    .map((one) => ({ start: one.start, end: one.end, className: SUPPORT[one.verdict][0], title: one.verdict + ": " + one.text }));
}

function statement(one) {
  const [className, sign] = SUPPORT[one.verdict];
  const by = [];
  if (one.supported_by.length) by.push("supported by " + one.supported_by.join(", "));
  if (one.contradicted_by.length) by.push("contradicted by " + one.contradicted_by.join(", "));
  const flips = new Set(one.verdicts).size > 1 ? " Judgements differ: " + one.verdicts.join(", ") + "." : "";
  return el("li", { class: className },
    el("span", { class: "sign" }, sign + " " + one.verdict), " ",
    el("span", { dir: "auto" }, one.text),
    by.length ? el("span", { class: "quiet", dir: "auto" }, " (" + by.join("; ") + ")") : null,
    one.reason ? el("span", { class: "quiet", dir: "auto" }, " " + one.reason) : null,
    flips ? el("span", { class: "quiet" }, flips) : null);
}

function statements(name, claims) {
  const counts = Object.keys(SUPPORT)
    .map((verdict) => [claims.statements.filter((one) => one.verdict === verdict).length, verdict])
    .filter(([count]) => count).map(([count, verdict]) => count + " " + verdict);
  return el("details", { class: "statements", open: claims.of === "answer" },
    el("summary", {}, name + ": statements of the " + claims.of + " against the " + claims.against + " (" + (counts.join(", ") || "none") + ")"),
    el("ul", {}, ...claims.statements.map(statement)));
}

function answerText(row, judged) {
  if (row.answer === undefined) return el("p", { class: "missing" }, "The answer itself is not in this page.");
  if (row.failure) return el("p", { class: "missing", dir: "auto" }, "No answer: " + row.failure);
  const own = judged.map(([, claims]) => claims).find((claims) => claims.of === "answer");
  const note = row.abstained ? el("p", { class: "quiet" }, "The system said that it does not know.") : null;
  return el("div", {}, note, el("p", { class: "answer", dir: "auto" }, ...marked(row.answer, own ? claimMarks(own) : [])));
}

function answerSources(row) {
  if (!row.sources || !row.sources.length) return null;
  const cited = new Set(row.cited);
  return el("details", {},
    el("summary", {}, counted(row.sources.length, "source", "sources") + " it was shown, " + cited.size + " cited"),
    el("ol", { class: "sources" }, ...row.sources.map(([id, document_, text, length]) => el("li", {},
      el("span", { class: "item", dir: "auto" }, id), cited.has(id) ? el("span", { class: "tag" }, "cited") : null,
      el("p", { class: "passage", dir: "auto" }, text, length > charactersOf(text) ? " …" : "")))));
}

function otherDetails(details) {
  const rest = Object.fromEntries(Object.entries(details).filter(([, found]) => !(found && Array.isArray(found.statements))));
  if (!Object.keys(rest).length) return null;
  return el("details", {}, el("summary", {}, "What the other values rest on"),
    el("pre", { tabindex: 0, role: "region", "aria-label": "Details", dir: "auto" }, JSON.stringify(rest, null, 2)));
}

function answerCard(name, row) {
  const judged = judgedTexts(row.details);
  return el("article", { class: "answered" }, el("h4", { dir: "auto" }, ...breakable(name)),
    answerText(row, judged), ...judged.map(([metric, claims]) => statements(metric, claims)),
    otherDetails(row.details), answerSources(row));
}
