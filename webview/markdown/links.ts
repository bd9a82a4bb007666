/** Which addresses of an answer become links. Pure. */

/**
 * http and https with a host, and no name or password before it: `https://bank.example@evil.example` shows another place
 * than it opens. Everything else stays text: commands, files, scripts, data, addresses without a scheme.
 */
export function isAllowedLink(href: string): boolean {
  if (!/^https?:\/\//i.test(href) || !URL.canParse(href)) return false;
  const { username, password } = new URL(href);
  return username === '' && password === '';
}
