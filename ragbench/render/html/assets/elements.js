// Elements from data: data only ever becomes text, never markup, and nothing in it stays invisible.
const byId = (id) => document.getElementById(id);

// Controls, zero width, directions of reading, blank letters, half pairs and tags, as in ragbench/core/foreign.py.
const UNSEEN = new RegExp(
  "(?![\\n\\t])[\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb"
  + "\\u115f\\u1160\\u3164\\uffa0\\u2028\\u2029\\ud800-\\udfff\\u{e0000}-\\u{e00ff}]", "gu");

// The one function that shows text of others: what nobody sees is written as an escape.
function seen(text) {
  return String(text).replace(UNSEEN, (sign, at, all) => {
    // Joiners are part of words in Persian and Hindi, and of emoji.
    const inside = at > 0 && at + 1 < all.length && all.charCodeAt(at - 1) > 127 && all.charCodeAt(at + 1) > 127;
    if (/[\u200c\u200d]/.test(sign) && inside) return sign;
    const number = sign.codePointAt(0);
    const written = (mark, digits) => "\\" + mark + number.toString(16).padStart(digits, "0");
    return number < 0x100 ? written("x", 2) : number < 0x10000 ? written("u", 4) : written("U", 8);
  });
}

// Put a text into an element.
function put(place, text) {
  place.textContent = seen(text);
}

const READ_ALOUD = ["title", "aria-label", "placeholder"];

function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, does] of Object.entries(value)) made.addEventListener(event, does);
    else made.setAttribute(name, value === true ? "" : READ_ALOUD.includes(name) ? seen(value) : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined)
    .map((child) => (child instanceof Node ? child : seen(child))));
  return made;
}

// The places where a name of a system may go on in the next line: "bm25:k1=1.2,stem=false".
function breakable(name) {
  return name.split(/(?<=[:,;_/])/).flatMap((part, i) => (i ? [el("wbr"), part] : [part]));
}

function counted(count, word, words) {
  return count.toLocaleString("en") + " " + (count === 1 ? word : words);
}

// One format for each number of digits: a new one for every cell would slow the grid down.
const FORMATS = [0, 1, 2, 3].map((digits) =>
  new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }));

function written(value, signed) {
  if (Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  // The same format as in ragbench/render/numbers.py; counts stay whole.
  const digits = size < 1.0005 ? 3 : Number.isInteger(value) ? 0 : size < 9.995 ? 2 : 1;
  const text = FORMATS[digits].format(size).replace(/^0\./, ".");
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
  put(byId("said"), text);
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
