/** A React component in TypeScript. Pure. */
import { LOOK, type Target } from './target.ts';

export function reactTarget(): Target {
  return {
    languageId: 'typescriptreact',
    path: 'src/components/Screenshot.tsx',
    instruction:
      `Write one React component in TypeScript that looks like the picture. ${LOOK} ` +
      'Use one file with a default export named Screenshot, function components, and inline styles typed as ' +
      'React.CSSProperties. Import nothing but React.',
    sources: [],
  };
}
