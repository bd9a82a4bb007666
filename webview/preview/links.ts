/** Addresses of links in a frame without a place of its own. Pure. */

const HERE = 'about:srcdoc';

/** Such a document is at about:srcdoc, while `#a` alone would be resolved against the page around it. */
export function hereOnly(href: string): string {
  if (href.startsWith(`${HERE}#`)) return href;
  return `${HERE}${href.startsWith('#') ? href : '#elsewhere'}`;
}
