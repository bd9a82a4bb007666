/** The engine process: `node dist/engine.cjs --socket PATH --token-file FILE [--wasm-only REASON]`. */
import { version } from '../package.json';
import { completeInDocument } from './completeWith.ts';
import { backendReports, type LoadedModel, loadModel } from './load.ts';
import { runEngine } from './process.ts';

void runEngine(
  {
    loadModel,
    backendReports,
    complete: (params, model: LoadedModel, session, signal) => completeInDocument(model, session, params, signal),
  },
  version,
);
