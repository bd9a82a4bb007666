/** Makes a page out of a React component: its code as JavaScript, and a runtime that shows it. */
import { transform } from 'sucrase';
import runtime from 'frame:./runtime.ts';
import { inElement } from '../scripts.ts';

/** A document for the sandbox. Throws an Error with the parser's words if the code makes no sense. */
export function reactPage(code: string): string {
  const { code: script } = transform(code.replaceAll('\r', ''), {
    transforms: ['typescript', 'jsx', 'imports'],
    jsxRuntime: 'automatic',
    production: true,
    disableESTransforms: true,
  });
  return (
    '<!DOCTYPE html><html><head><style>body { margin: 0 }</style></head><body><div id="root"></div>' +
    `<script>${inElement(runtime)}</script>` +
    `<script>showComponent(function (require, module, exports) {\n${inElement(script)}\n});</script></body></html>`
  );
}
