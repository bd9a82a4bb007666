/** The engine process: `node dist/engine.cjs --socket PATH --token-file FILE [--wasm-only REASON]`. */
import { version } from '../package.json';
import { completeAt } from './completion/complete.ts';
import { BadModel } from './errors.ts';
import { backendReports, type LoadedModel, loadModel } from './load.ts';
import { runEngine } from './process.ts';

void runEngine(
  {
    loadModel,
    backendReports,
    complete: async (params, model: LoadedModel, generate, signal) => {
      const { tokenizer, info } = model;
      if (!tokenizer) throw new BadModel(`${info.name} has no tokenizer.json, so it cannot complete text.`);
      return completeAt(params, { tokenizer, generate, model: info }, signal);
    },
  },
  version,
);
