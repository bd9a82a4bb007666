/**
 * The scripts of written code, once the user has allowed them. Only what stands in the code runs: the policy names each
 * script by its hash, so that nothing runs that a script adds, be it an element, an attribute or a frame of its own.
 * Each begins with removing WebRTC, which reaches other machines and which no policy of Chromium covers.
 */

/**
 * `window` cannot be declared anew in a classic script: one that tries does not run at all. Thus no code behind these
 * statements takes effect before them.
 */
export const GUARD = ['RTCPeerConnection', 'webkitRTCPeerConnection'].map((name) => `delete window.${name};`).join('');

/** A script of a kind that a browser runs; others are data. */
const RUNS = /^(|module|(text|application)\/(x-)?(java|ecma)script)$/i;
/** Kinds that change what is loaded. */
const LOADS = /^(importmap|speculationrules)$/i;

/** Rewrites the scripts of a cleaned document, and gives the sources of its policy. */
export async function guardScripts(page: Document): Promise<string[]> {
  Array.from(page.querySelectorAll('script')).forEach((script) => guardElement(script, page));
  Array.from(page.querySelectorAll('*')).forEach((element, i) => guardHandlers(element, String(i), page));
  const scripts = Array.from(page.querySelectorAll('script')).filter(({ textContent }) =>
    textContent.startsWith(GUARD),
  );
  return Promise.all([...new Set(scripts.map(({ textContent }) => textContent))].map(hashOf));
}

/** JavaScript that can stand in a script element. */
export function inElement(code: string): string {
  return code.replace(/<(?=\/script|!--)/gi, String.raw`\x3c`);
}

/** Modules may import nothing here, and can redeclare anything: they become classic scripts behind the others. */
function guardElement(script: HTMLScriptElement | SVGScriptElement, page: Document): void {
  const type = script.getAttribute('type')?.trim() ?? '';
  const isExternal = ['src', 'href', 'xlink:href'].some((name) => script.hasAttribute(name));
  if (isExternal || LOADS.test(type)) return script.remove();
  if (!RUNS.test(type)) return;
  script.textContent = `${GUARD}\n${script.textContent}`;
  if (type.toLowerCase() !== 'module') return;
  script.removeAttribute('type');
  page.body.append(script);
}

/** Attributes such as onclick become scripts, where no name of an element hides `window`. */
function guardHandlers(element: Element, id: string, page: Document): void {
  for (const { name, value } of Array.from(element.attributes)) {
    if (!/^on[a-z]+$/i.test(name)) continue;
    element.removeAttribute(name);
    element.setAttribute('data-handlers', id);
    const script = page.createElement('script');
    script.textContent = `${GUARD}\ndocument.querySelector('[data-handlers="${id}"]').${name} = function (event) {\n${inElement(value)}\n};`;
    page.body.append(script);
  }
}

async function hashOf(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return `'sha256-${btoa(String.fromCharCode(...bytes))}'`;
}
