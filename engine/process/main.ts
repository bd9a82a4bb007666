/** The engine process: `node dist/engine.cjs --socket PATH --token-file FILE [--wasm-only REASON]`. */
import { version } from '../../package.json';
import { EngineServer } from '../serve/server.ts';
import { SyntaxErrors } from '../syntax/syntaxErrors.ts';
import { runEngine } from './engineProcess.ts';

void runEngine(
  version,
  (options) => new EngineServer({ ...options, syntax: new SyntaxErrors(__dirname, options.log) }),
);
