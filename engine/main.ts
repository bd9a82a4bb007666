/** The engine process: `node dist/engine.cjs --socket PATH --token-file FILE [--wasm-only REASON]`. */
import { version } from '../package.json';
import { engineCore } from './engineCore.ts';
import { runEngine } from './process.ts';

void runEngine(engineCore, version);
