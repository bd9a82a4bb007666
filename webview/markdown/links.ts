/** Decides which addresses in an answer become links. Pure. */

/**
 * Allows http and https with a host and without a user name or password: `https://bank.example@evil.example` seems to
 * lead to a different site than it does. Everything else stays text: commands, files, scripts, data, and addresses
 * without a scheme.
 */
export function isAllowedLink(href: string): boolean {
  if (!/^https?:\/\//i.test(href) || !URL.canParse(href)) return false;
  const { username, password } = new URL(href);
  return username === '' && password === '';
}
