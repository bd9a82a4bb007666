/** Parses a question into what to look for: its words, synonyms that programs use, and identifiers. Pure. */
import { identifierTerm, stem, termOf, wordsOf } from './terms.ts';

/** A thing to look for; a chunk matches it with the best of its terms. */
export interface Concept {
  readonly terms: readonly { readonly term: number; readonly weight: number }[];
  /** A whole identifier: the chunk that declares it answers the question. */
  readonly isIdentifier: boolean;
  /** Raises the score where it is found, but its absence lowers none. */
  readonly isExtra: boolean;
}

export interface Query {
  readonly concepts: readonly Concept[];
  /** By stem: the index of the word in the question, and how well the stem stands for it, 0 to 1. */
  readonly stems: ReadonlyMap<string, { readonly word: number; readonly weight: number }>;
  /** Number of different words. */
  readonly words: number;
  /** The question is about tests, so these rank as high as other files. */
  readonly wantsTests: boolean;
}

export function parseQuery(text: string): Query {
  const concepts = new Map<string, Concept>();
  for (const [name] of text.slice(0, LONGEST_QUERY).matchAll(/[A-Za-z_$][\w$]*/g)) {
    if (!/[a-z\d][A-Z]|[A-Za-z\d]_+[A-Za-z\d]|[A-Z]{2}[a-z]/.test(name)) continue;
    concepts.set(`identifier ${name}`, {
      terms: [{ term: identifierTerm(name), weight: 1 }],
      isIdentifier: true,
      isExtra: false,
    });
  }
  const words = wordsOf(text.slice(0, LONGEST_QUERY)).map((word) => IRREGULAR.get(word) ?? word);
  const telling = words.filter((word) => !STOP_WORDS.has(word));
  // "What is this?" consists of stop words only.
  for (const word of telling.length > 0 ? telling : words) {
    const own = stem(word);
    if (concepts.size >= MOST_CONCEPTS) break;
    const others = (SYNONYMS.get(own) ?? []).filter((other) => stem(other) !== own);
    const terms = [{ term: termOf(word), weight: 1 }, ...others.map((other) => ({ term: termOf(other), weight: 0.6 }))];
    concepts.set(own, { terms, isIdentifier: false, isExtra: false });
  }
  return {
    concepts: [...concepts.values(), ...pairs(telling)],
    ...stemsOf(telling),
    wantsTests: words.some((word) => /^(tests?|tested|specs?)$/.test(word)),
  };
}

function stemsOf(words: readonly string[]): Pick<Query, 'stems' | 'words'> {
  const own = [...new Set(words.map(stem))];
  const stems = new Map(own.map((each, word) => [each, { word, weight: 1 }]));
  own.forEach((each, word) => {
    for (const other of (SYNONYMS.get(each) ?? []).map(stem)) {
      if (!stems.has(other)) stems.set(other, { word, weight: 0.4 });
    }
  });
  return { stems, words: own.length };
}

/** Neighbouring words as one identifier: "line endings" may be `lineEndings` in the code. */
function pairs(words: readonly string[]): Concept[] {
  return words.slice(1, 8).map((word, i) => ({
    terms: [{ term: identifierTerm(words[i]! + word), weight: 1 }],
    isIdentifier: false,
    isExtra: true,
  }));
}

const LONGEST_QUERY = 2000;
const MOST_CONCEPTS = 20;

const STOP_WORDS = new Set(
  `a about all also although am an and any are as at be because been being but by can could did do does doing each for
  from had has have having here how i if in into is it its just like me my of on one only or other our out over please
  should show so some such than that the their them then there these they this those though through to too under us
  very was we were what when where whether which while who whom whose why will with would you your happen happens mean
  means explain tell already wo wird wie was ist der die das und ein eine`.split(/\s+/),
);

/** Irregular forms by their infinitive, which programs use in names. */
const IRREGULAR: ReadonlyMap<string, string> = new Map(
  `began begin begun begin bound bind broke break broken break brought bring built build caught catch chose choose chosen
  choose drawn draw drew draw fed feed fell fall felt feel found find froze freeze frozen freeze grew grow grown grow held
  hold hidden hide kept keep left leave lost lose made make met meet paid pay ran run sent send shown show sold sell spent
  spend spoken speak stood stand swept sweep thrown throw threw throw told tell undid undo undone undo understood understand
  went go won win worn wear woke wake written write wrote write`
    .match(/\S+\s+\S+/g)!
    .map((pair) => pair.split(/\s+/) as [string, string]),
);

/** Words that programs use as synonyms. */
const GROUPS = `
  delete remove erase drop unlink
  create make new build construct init initialize
  option setting config configuration preference flag
  directory folder dir
  error exception failure throw raise fail
  argument arg args parameter param params
  function func fn callback method
  message msg
  begin start launch spawn
  finish end stop done terminate abort
  find search lookup locate match
  read load fetch
  write save store persist dump
  show display print render
  send emit dispatch post
  receive get accept handle
  cancel abort
  check validate verify assert ensure
  change update modify edit
  convert transform translate parse
  copy clone duplicate
  compare diff equal
  child children
  command cmd
  color colour
  environment env
  process exec spawn fork
  wait sleep delay timeout
  temporary tmp temp
  number num count
  string str text
  document doc docs
  reference ref
  previous prev old
  original orig
  current cur
  index idx
  length len size
  maximum max
  minimum min
  button btn
  database db
  request req
  response res reply answer
  repository repo
  source src
  destination dest dst target
  authenticate auth login
  authorize authorization permission
  image img picture
  element elem el node
  attribute attr prop property
  variable var
  expression expr
  statement stmt
  declaration decl
  constant const
  regular regex regexp pattern
  asynchronous async
  synchronous sync
  allocate alloc
  execute exec run invoke call
  suggestion suggest similar hint
  forbidden disallow deny forbid prohibit
  allow permit enable
  escape encode sanitize
  split separate divide
  join merge combine concat
  wrap fold
  retry retries repeat again
  cache memo memoize
  listener handler subscriber observer
  identical same equal
  unused never unreferenced
  conflict exclude exclusive incompatible
  several multiple many
  missing absent lack
  invalid bad illegal malformed wrong
  unknown unrecognized undefined
  relative local
  closed ended disposed
  again retry
  print log output
  required mandatory
  exclude ignore skip omit`;

const SYNONYMS: ReadonlyMap<string, readonly string[]> = synonyms();

/** The synonyms of each stem. */
function synonyms(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of GROUPS.trim().split('\n')) {
    const words = line.trim().split(/\s+/);
    for (const key of new Set(words.map(stem))) found.set(key, [...new Set([...(found.get(key) ?? []), ...words])]);
  }
  return found;
}
