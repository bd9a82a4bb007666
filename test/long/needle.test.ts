import { needleCases } from '../support/engine/needle.ts';

needleCases('wasm', [32768, 131072]);
needleCases('webgpu', [8192]); // A software GPU: longer haystacks would take many minutes.
