/**
 * Makes a document out of written code for a sandboxed frame: nothing in it is loaded or leads away, and pictures that
 * it does not hold itself are boxes with a label. The frame's sandbox and the content security policy enforce the
 * former; what is removed here would still open a connection before the policy refuses the request, or leave the frame
 * with the browser's error page.
 */
import { missingPicture, missingPictureBox } from './missingPicture.ts';
import { hereOnly } from './links.ts';
import { guardScripts } from './scripts.ts';

/** Rounds until a document no longer changes when it is parsed again. Hostile markup that takes more is not shown. */
const MOST_ROUNDS = 5;

/** The tokens of the frame's `sandbox` attribute. */
export function sandboxOf(scripts: boolean): string {
  return scripts ? 'allow-scripts' : '';
}

/** The policy of the document in the frame; that of the page around it applies as well. `scripts`: those that run. */
function policyOf(scripts: readonly string[]): string {
  return [
    `default-src 'none'`,
    ...(scripts.length > 0 ? [`script-src ${scripts.join(' ')}`] : []),
    `style-src 'unsafe-inline'`,
    `img-src data: blob:`,
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ');
}

/** The document as text for `srcdoc`, with its scripts if they are allowed; empty if the markup has no stable form. */
export async function sandboxedDocument(html: string, scripts: boolean): Promise<string> {
  let text = html;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const page = parsed(text);
    clean(page, scripts);
    const cleaned = textOf(page);
    // Parsed by the frame, this is exactly what was cleaned.
    if (cleaned === text) return withPolicy(page, scripts ? await guardScripts(page) : []);
    text = cleaned;
  }
  return '';
}

function parsed(html: string): Document {
  return new DOMParser().parseFromString(html, 'text/html');
}

function textOf(page: Document): string {
  return `<!DOCTYPE html>${page.documentElement.outerHTML}`;
}

function withPolicy(page: Document, scripts: readonly string[]): string {
  const policy = `<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policyOf(scripts)}">`;
  page.head.insertAdjacentHTML('afterbegin', policy);
  return textOf(page);
}

function clean(root: Document | DocumentFragment, scripts: boolean): void {
  const each = (selector: string, change: (element: Element) => void): void =>
    Array.from(root.querySelectorAll(selector)).forEach(change);
  // Where scripts run, what stands in noscript is parsed as text, and would no longer be what was cleaned.
  each(
    `base, link, source, track, meta[http-equiv], [attributeName$=href i], ${scripts ? 'noscript' : 'script'}`,
    (element) => element.remove(),
  );
  each('iframe, frame, object, embed, fencedframe, portal', (element) => element.replaceWith(missingPicture(element)));
  each('img, input[type=image i]', showMissing);
  each('use, image, feImage', keepOwn);
  each('a, area', keepHere);
  each('template', (template) => {
    // A declared shadow root would be part of the frame's page, but not of this parser's.
    for (const name of template.getAttributeNames()) if (name.startsWith('shadowroot')) template.removeAttribute(name);
    if (template instanceof HTMLTemplateElement) clean(template.content, scripts);
  });
}

/** Pictures in the code itself are shown. */
function showMissing(image: Element): void {
  image.removeAttribute('srcset');
  if (/^\s*data:image\//i.test(image.getAttribute('src') ?? '')) return;
  image.setAttribute('src', missingPicture(image).src);
}

/** Of what drawings refer to: parts of this page, and pictures in the code itself. `use` of another file never loads. */
function keepOwn(element: Element): void {
  for (const name of ['href', 'xlink:href']) {
    const href = element.getAttribute(name);
    if (href === null || href.startsWith('#')) continue;
    if (element.localName === 'use') element.removeAttribute(name);
    else if (!/^\s*data:image\//i.test(href))
      element.setAttribute(name, missingPictureBox((attribute) => element.getAttribute(attribute)).src);
  }
}

/** Links go to places in this page only. */
function keepHere(link: Element): void {
  for (const name of ['target', 'ping', 'download']) link.removeAttribute(name);
  for (const name of ['href', 'xlink:href']) {
    const href = link.getAttribute(name);
    if (href !== null) link.setAttribute(name, hereOnly(href));
  }
}
