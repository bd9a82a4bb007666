/** The engine process: `node dist/engine.cjs --socket PATH --token-file FILE [--wasm-only REASON]`. */
import { version } from '../package.json';
import { chatWith, countTokensWith, fitWith } from './chatWith.ts';
import { completeInDocument } from './completeWith.ts';
import { backendReports, type LoadedModel, loadModel } from './load.ts';
import { runEngine } from './process.ts';

void runEngine(
  {
    loadModel,
    backendReports,
    complete: (params, model: LoadedModel, session, signal) => completeInDocument(model, session, params, signal),
    chat: (params, model: LoadedModel, { generate }, signal, onPart) =>
      chatWith(model, generate, params, signal, onPart),
    fit: (params, model: LoadedModel, signal) => fitWith(model, params, signal),
    countTokens: (texts, model: LoadedModel, signal) => countTokensWith(model, texts, signal),
  },
  version,
);
