import { resolve } from 'node:path';

/** Path of the bundled starter model: media/starter beside the bundle's dist folder. */
export function starterFolder(): string {
  return resolve(__dirname, '../media/starter');
}
