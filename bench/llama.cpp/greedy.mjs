// The likeliest tokens with which llama.cpp goes on with prompts: greedy.mjs MODEL.gguf COUNT < PROMPTS
// Reads a JSON list of lists of token ids, and prints a list of lists of COUNT.
import { readFileSync } from "node:fs";
import { open } from "./model.mjs";

const [modelPath, count] = process.argv.slice(2);
const prompts = JSON.parse(readFileSync(0, "utf8"));
const longest = Math.max(...prompts.map((prompt) => prompt.length));
const { sequence } = await open(modelPath, 1, longest + Number(count) + 16);

const answers = [];
for (const prompt of prompts) {
  await sequence.clearHistory();
  const answer = [];
  const tokens = sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true });
  while (answer.length < Number(count)) {
    answer.push((await tokens.next()).value);
  }
  await tokens.return();
  answers.push(answer);
}
console.log(JSON.stringify(answers));
process.exit(0);
