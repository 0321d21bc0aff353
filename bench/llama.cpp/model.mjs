// A model as llama.cpp loads it, on the processor alone.
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

export async function open(modelPath, threads, contextSize) {
  const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: LlamaLogLevel.error });
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({ contextSize, batchSize: 512, threads });
  return { llama, sequence: context.getSequence() };
}
