/** Gives code blocks the colours of the editor's theme. */
import type { SyntaxColors } from '../protocol.ts';

const sheet = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

/** Colours the classes of highlight.js; `title.function` is its class `hljs-title function_`. */
export function useColors(colors: SyntaxColors): void {
  sheet.replaceSync('');
  for (const [scope, { color, italic, bold }] of Object.entries(colors)) {
    if (!/^[a-z-]+(\.[a-z-]+)*$/.test(scope)) continue;
    const [first, ...others] = scope.split('.');
    const selector = [`.hljs-${first}`, ...others.map((name, index) => `.${name}${'_'.repeat(index + 1)}`)].join('');
    const rule = sheet.cssRules[sheet.insertRule(`${selector} {}`)] as CSSStyleRule;
    if (color) rule.style.color = color;
    if (italic) rule.style.fontStyle = 'italic';
    if (bold) rule.style.fontWeight = 'bold';
  }
}
