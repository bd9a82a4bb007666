import { chatWith, countTokensWith, fitWith } from '../chat/answer.ts';
import { completeInDocument } from '../document/completeInDocument.ts';
import type { EngineCore } from './core.ts';
import { loadModel } from '../load/loadModel.ts';
import type { LoadedModel } from '../load/loadedModel.ts';
import { backendReports } from '../load/openBackend.ts';

/** What the engine process serves. */
export const engineCore: EngineCore = {
  loadModel,
  backendReports,
  complete: (params, model: LoadedModel, session, signal) => completeInDocument(model, session, params, signal),
  chat: (params, model: LoadedModel, session, signal, onPart) => chatWith(model, session, params, signal, onPart),
  fit: (params, model: LoadedModel, signal) => fitWith(model, params, signal),
  countTokens: (texts, model: LoadedModel, signal) => countTokensWith(model, texts, signal),
};
