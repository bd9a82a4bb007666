/** Tells paths from other text. A name that is cut is worse than none: it may be that of another file. Pure. */

/** What no path of an answer has, and colons, which name drives, schemes and lines. */
const FOREIGN = /["'`<>|*?:\p{Cc}]|^\s|\s$|\s{2}/u;
/** Cut (but not Next's `[...slug]`), a placeholder, several files in one, or a path that begins elsewhere than in the project. */
const CUT = /(?<!\[)\.{3}|…|^[/\\]?path[/\\]to[/\\]|\{[^{}]*,|^(?:[~@]|\$[A-Z_]+)[/\\]/;
/** "src/a.ts:12-20", "src/a.ts#L12". */
const LINE_NUMBERS = /(?<=\w\w)(?::\d+(?:[-:,–]\d+)*|#L\d+(?:-L?\d+)?)$/;
const LONGEST = 200;
const ENDING = /[^/\\\s]\.([\p{L}\p{N}_+-]{1,15})$/u;
/** Endings by which a name without a folder is that of a file, and not `app.listen` or "e.g". */
const ENDINGS = new Set(
  (
    'adoc asm astro bash bat bib c cc cfg cjs clj cljs cls cmake cmd coffee conf cpp cs csproj css csv cts cu cxx dart diff ' +
    'dockerfile edn ejs elm erb erl ex exs fish frag fs fsx gd gemspec go gradle graphql groovy h haml hbs hcl hpp hrl hs ' +
    'htm html hxx inc ini ino ipynb java jinja jl js json json5 jsonc jsonl jsx kt kts less lhs liquid lisp lock lua m mako ' +
    'markdown md mdx mjs mk ml mli mm mts mustache nim nix njk nu patch php phtml pl plist pm po postcss prisma properties ' +
    'proto ps1 psm1 pug py pyi pyx qml r rb rkt rs rst s sass sbt scala scm scss sh sln sol sql srt styl sv svelte svg swift ' +
    'tex tf tfvars toml ts tsv tsx twig txt vb vert vhd vhdl vim vue wat wgsl wsgi xaml xhtml xml xsd xsl yaml yml zig zsh'
  ).split(' '),
);
/** Files that have no ending. */
const NAMES =
  /^(?:\.[a-z][\w.-]*|(?:Docker|Make|Gem|Rake|Brew|Jenkins|Vagrant|Proc|Pip|Pod|Fast|Appraisal|Container|Just|Earth)file|(?:Make|Docker)file\.\w+|BUILD|WORKSPACE|LICEN[CS]E|README|CHANGELOG|NOTICE|AUTHORS|COPYING|CODEOWNERS|OWNERS|Caddyfile)$/i;
/** Products and methods that look like files. */
const NO_FILES =
  /^(?:(?:node|next|nuxt|vue|react|express|three|d3|p5|chart|ember|backbone|nest|discord|alpine|solid|moment|tensorflow|socket)\.js|(?:res|req|response|request|express|r)\.json)$/i;

/** The text without line numbers, where it stands in the place of a path and may be one: with blanks, or without an ending. */
export function wholePath(text: string): string {
  const path = text.replace(LINE_NUMBERS, '');
  return path.length <= LONGEST && !FOREIGN.test(path) && !CUT.test(path) && /[\p{L}\p{N}]/u.test(path) ? path : '';
}

/** The same, where it can be nothing else than a path. Otherwise ''. */
export function filePath(text: string): string {
  const path = wholePath(text);
  if (path === '' || NO_FILES.test(path)) return '';
  const [first, ...rest] = path.split(/[/\\]/);
  const last = rest.at(-1) ?? first!;
  const ending = ENDING.exec(last)?.[1];
  const isFile = ending !== undefined && (rest.length > 0 || ENDINGS.has(ending.toLowerCase()));
  // ".husky/pre-commit"
  const isHidden = rest.length > 0 && /^\.[a-z]/i.test(first!);
  if (!isFile && !isHidden && !NAMES.test(last)) return '';
  const words = path.split(/\s+/);
  if (words.length === 1) return path;
  // A sentence names a file too: "see src/a.ts", "src/a.ts and src/b.ts". No folder of a project begins with three words.
  const isSentence = words.length > 4 || words.slice(0, -1).some((word) => ENDING.test(word.replace(/[,;.]$/, '')));
  return isSentence || (rest.length > 0 && /\s/.test(first!)) ? '' : path;
}
