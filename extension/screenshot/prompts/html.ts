/** HTML and CSS in one file. Pure. */
import { LOOK, type Target } from './target.ts';

export function htmlTarget(): Target {
  return {
    languageId: 'html',
    path: 'screenshot.html',
    instruction:
      `Write one HTML document that looks like the picture. ${LOOK} ` +
      'Put all CSS into one style element in the head. Use semantic elements, flexbox and grid, and no script.',
    sources: [],
  };
}
