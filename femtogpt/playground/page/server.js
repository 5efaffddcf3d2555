// Asking the server, and reading what it streams.
const TOKEN = document.querySelector("meta[name=token]").content;

export class Refusal extends Error {
  constructor({ why, detail }) {
    super(why);
    this.why = why;
    this.detail = detail;
  }
}

async function request(path, body, signal) {
  const order = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Playground-Token": TOKEN },
    body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(path, { ...order, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal({ why: "away" });
  }
  if (!answer.ok) throw new Refusal(await answer.json().catch(() => ({ why: "failed" })));
  return answer;
}

export async function ask(path, body) {
  return (await request(path, body)).json();
}

// Read server-sent events: `handlers` by their names. Throws a Refusal, and AbortError if stopped.
export async function listen(path, body, signal, handlers) {
  const answer = await request(path, body, signal);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "", ended = false;
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw error.name === "AbortError" ? error : new Refusal({ why: "away" });
    });
    if (done) break;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(event);
      if (name === "refused") throw new Refusal(JSON.parse(data));
      ended ||= name === "end";
      handlers[name]?.(JSON.parse(data));
    }
  }
  if (!ended) throw new Refusal({ why: "away" });
}
