/** The engine process: `node dist/engine.cjs --socket PATH --token-file FILE [--wasm-only REASON]`. */
import { version } from '../package.json';
import { completeWith } from './completeWith.ts';
import { backendReports, type LoadedModel, loadModel } from './load.ts';
import { runEngine } from './process.ts';

void runEngine(
  {
    loadModel,
    backendReports,
    complete: (params, model: LoadedModel, generate, signal) => completeWith(model, generate, params, signal),
  },
  version,
);
