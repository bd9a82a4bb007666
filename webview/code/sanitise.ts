/** The only place where HTML becomes elements: highlight.js's output, which consists of spans with classes. */
import DOMPurify from 'dompurify';

/** Sanitises HTML, keeping only text and spans with classes. */
export function safeFragment(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: ['span'],
    ALLOWED_ATTR: ['class'],
    ALLOW_ARIA_ATTR: false,
    ALLOW_DATA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}
