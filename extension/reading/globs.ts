/** Glob patterns of settings, such as `files.exclude`. Pure. */
import picomatch from 'picomatch';

type Matcher = (path: string) => boolean;

const matchers = new Map<string, Matcher>();
/** A longer pattern is a mistake, and takes long to compile. */
const LONGEST = 1000;

/** Whether one of the patterns matches a path that is relative to its root. What a pattern matches includes all below it. */
export function globMatcher(patterns: readonly string[]): Matcher {
  const usable = patterns.filter((pattern) => pattern.length > 0 && pattern.length < LONGEST).map(matcherOf);
  return (path) => usable.some((matches) => matches(path));
}

function matcherOf(pattern: string): Matcher {
  let found = matchers.get(pattern);
  if (!found) {
    const plain = pattern.replace(/^\//, '');
    const nocase = process.platform !== 'linux';
    matchers.set(pattern, (found = picomatch([plain, `${plain}/**`], { dot: true, nocase })));
  }
  return found;
}
