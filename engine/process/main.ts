/** The engine process: `node dist/engine.cjs --socket PATH --token-file FILE [--wasm-only REASON]`. */
import { version } from '../../package.json';
import { keepSpeeds, knownSpeeds } from '../discovery/backendSpeedFile.ts';
import { knownBandwidth } from '../discovery/bandwidthFile.ts';
import { knownGpuSpeed } from '../discovery/gpuSpeedFile.ts';
import { keepTuning, knownTuning } from '../discovery/gpuTuningFile.ts';
import { measureBandwidth } from '../discovery/memoryBandwidth.ts';
import { EngineServer } from '../serve/server.ts';
import { storePlaces } from '../store/places.ts';
import { SyntaxErrors } from '../syntax/syntaxErrors.ts';
import { runEngine } from './engineProcess.ts';

const { folder } = storePlaces();

void runEngine(
  version,
  (options) =>
    new EngineServer({
      ...options,
      knownGpuSpeed: (adapter, measure) => knownGpuSpeed(folder, adapter, measure),
      knownTuning: (adapter) => knownTuning(folder, adapter),
      idleTuning: { keep: (adapter, tuning) => keepTuning(folder, adapter, tuning) },
      backendTrial: {
        known: (key) => knownSpeeds(folder, key),
        keep: (key, speeds) => keepSpeeds(folder, key, speeds),
        bandwidth: () => knownBandwidth(folder, () => measureBandwidth(undefined, { mostMs: 400 })),
      },
      syntax: new SyntaxErrors(__dirname, options.log),
    }),
);
