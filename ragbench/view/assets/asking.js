// Questions to the viewer; what it refuses becomes an error with its reason.
async function answerOf(reply) {
  const text = await reply.text();
  let content = null;
  try {
    content = JSON.parse(text);
  } catch {
    // Requests that the guard refuses are answered in plain text.
    throw new Error(text.slice(0, 300) || "The viewer answered " + reply.status);
  }
  if (!reply.ok) throw new Error(content.fault || "The viewer answered " + reply.status);
  return content;
}

async function asked(make) {
  try {
    return await make();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(error instanceof TypeError ? "The viewer does not answer. Does it still run?" : error.message);
  }
}

const read = (path) => asked(async () => answerOf(await fetch(path)));

const send = (path, content) => asked(async () => answerOf(await fetch(path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
})));

function megabytes(bytes) {
  return bytes < 100_000 ? Math.ceil(bytes / 1000) + " kB" : (bytes / 1_048_576).toFixed(1) + " MB";
}
