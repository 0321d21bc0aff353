// How fast llama.cpp reads prompts and goes on with them: speed.mjs MODEL.gguf THREADS GENERATED PROMPT...
// Prints a line of JSON for every test: its name, and the seconds of each run, after one that is not counted.
// Tokens are random, none ends a text, and every run begins with an empty cache; of a generation the first token,
// which the prompt of one token answers, is not timed.
import { open } from "./model.mjs";

const LEAST_RUNS = 3;
const LEAST_SECONDS = 2;
const FIRST_TOKEN = 300; // behind the special tokens and the bytes

const [modelPath, threads, generated, ...prompts] = process.argv.slice(2);
const count = Number(generated);
const longest = Math.max(count + 2, ...prompts.map(Number));
const { sequence } = await open(modelPath, Number(threads), longest + 16);

let state = 1;
const random = (tokens) => Array.from({ length: tokens }, () => FIRST_TOKEN + ((state = (state * 48271) % 2147483647) % 20000));

async function measure(test, run) {
  await run();
  const seconds = [];
  while (seconds.length < LEAST_RUNS || seconds.reduce((a, b) => a + b) < LEAST_SECONDS) {
    seconds.push(await run());
  }
  console.log(JSON.stringify({ test, seconds }));
}

for (const prompt of prompts) {
  await measure(`prompt${prompt}`, async () => {
    await sequence.clearHistory();
    const tokens = random(Number(prompt));
    const start = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens);
    return (performance.now() - start) / 1000;
  });
}
await measure("generate", async () => {
  await sequence.clearHistory();
  const tokens = sequence.evaluate(random(1), { temperature: 0, yieldEogToken: true });
  await tokens.next();
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    await tokens.next();
  }
  const end = performance.now();
  await tokens.return();
  return (end - start) / 1000;
});
process.exit(0);
