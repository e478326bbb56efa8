// Elements from data: data only ever becomes text, never markup.
const byId = (id) => document.getElementById(id);

function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, does] of Object.entries(value)) made.addEventListener(event, does);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// The places where a name of a system may go on in the next line: "bm25:k1=1.2,stem=false".
function breakable(name) {
  return name.split(/(?<=[:,;_/])/).flatMap((part, i) => (i ? [el("wbr"), part] : [part]));
}

function counted(count, word, words) {
  return count.toLocaleString("en") + " " + (count === 1 ? word : words);
}

function written(value, signed) {
  if (Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  // The same format as in ragbench/render/numbers.py; counts stay whole.
  const digits = size < 1.0005 ? 3 : Number.isInteger(value) ? 0 : size < 9.995 ? 2 : 1;
  const text = size.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace(/^0\./, ".");
  const sign = value < 0 && Number(text) !== 0 ? "−" : signed ? "+" : "";
  return sign + text;
}

// A part of an address; one that someone typed may hold a bare "%".
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function say(text) {
  byId("said").textContent = text;
}

// Python counts characters, JavaScript counts halves of those beyond the basic plane.
function cut(text, start, end) {
  if (!/[\ud800-\udfff]/.test(text)) return text.slice(start, end);
  return Array.from(text).slice(start, end).join("");
}

function charactersOf(text) {
  return /[\ud800-\udfff]/.test(text) ? Array.from(text).length : text.length;
}

// Text with marked ranges. A mark is {start, end, className, title}; where two overlap the first given wins.
function marked(text, marks) {
  const parts = [];
  const length = charactersOf(text);
  const edges = new Set([0, length]);
  for (const mark of marks) {
    edges.add(Math.min(Math.max(mark.start, 0), length));
    edges.add(Math.min(Math.max(mark.end, 0), length));
  }
  const points = [...edges].sort((a, b) => a - b);
  for (let i = 0; i + 1 < points.length; i++) {
    const mark = marks.find((one) => one.start <= points[i] && one.end >= points[i + 1]);
    const piece = cut(text, points[i], points[i + 1]);
    const last = parts[parts.length - 1];
    if (last && last.mark === mark) last.text += piece;
    else parts.push({ mark, text: piece });
  }
  return parts.map(({ mark, text: piece }) =>
    mark ? el("mark", { class: mark.className, title: mark.title }, piece) : piece);
}
