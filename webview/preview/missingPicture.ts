/** Stands in for a picture that is not there: a box with its alternative text or its size. */

/** Pixels, where the element says nothing about its size. */
const WIDTH = 160;
const HEIGHT = 100;
const MOST_PIXELS = 4096;

/** An image of the size that the element's attributes give it. CSS may still change the size. */
export function missingPicture(element: Element): HTMLImageElement {
  const { alt, src } = missingPictureBox((name) => element.getAttribute(name));
  const image = Object.assign(new Image(), { alt, src });
  for (const name of ['class', 'id', 'style', 'width', 'height']) {
    const value = element.getAttribute(name);
    if (value !== null) image.setAttribute(name, value);
  }
  return image;
}

/** Its text and its address. `attribute` gives what an element says about its size and contents. */
export function missingPictureBox(attribute: (name: string) => string | null): { alt: string; src: string } {
  const width = sizeOf(attribute('width'), WIDTH);
  const height = sizeOf(attribute('height'), HEIGHT);
  const alt = (attribute('alt') ?? attribute('title') ?? '').trim() || `${width} × ${height}`;
  return { alt, src: `data:image/svg+xml,${encodeURIComponent(box(width, height, alt))}` };
}

function sizeOf(size: string | null, otherwise: number): number {
  const value = Number(/^\s*(\d+)(?:px)?\s*$/.exec(size ?? '')?.[1]);
  return value > 0 ? Math.min(value, MOST_PIXELS) : otherwise;
}

/** The browser centres the label and cuts what does not fit; no size but the element's own would stretch it. */
function box(width: number, height: number, label: string): string {
  const fontSize = Math.max(6, Math.min(13, height / 2, (1.7 * width) / Math.max(1, label.length)));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    '<rect x=".5" y=".5" width="100%" height="100%" fill="#e4e4e4" stroke="#767676" stroke-dasharray="4 3"/>' +
    `<text x="50%" y="50%" fill="#333" font-family="sans-serif" font-size="${fontSize}" text-anchor="middle" ` +
    `dominant-baseline="central">${escaped(label)}</text></svg>`
  );
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
