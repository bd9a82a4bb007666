import { resolve } from 'node:path';

/** The bundled starter model: media/starter beside the bundle's dist folder. */
export function starterFolder(): string {
  return resolve(__dirname, '../media/starter');
}
