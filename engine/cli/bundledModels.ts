import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Listing } from '../discovery/describe.ts';

/** Path of the bundled starter model: media/starter beside the bundle's dist folder. */
export function starterFolder(): string {
  return resolve(__dirname, '../media/starter');
}

/** Path of the model that completes where none is named: the small chat model where it is bundled, else the starter. */
export function defaultModel(): string {
  const [starter, small] = bundledModels();
  return (small ?? starter)!.path;
}

/** The models beside the bundle; packages can be without the small chat model. */
export function bundledModels(): Listing[] {
  const chat = resolve(__dirname, '../media/chat-model/SmolLM2-135M-Instruct.Q4_1.gguf');
  const listings: Listing[] = [
    { path: starterFolder(), name: 'Starter model', program: 'bundled', completesOnly: true },
    { path: chat, name: 'SmolLM2-135M-Instruct', program: 'bundled', licence: 'Apache-2.0' },
  ];
  return listings.filter(({ path }) => existsSync(path));
}
