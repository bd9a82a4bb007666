/** Writes a project of a given size: files of about 200 lines in seven languages, with identifiers made of words. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes `count` files below `folder`. Every call writes the same files. */
export function writeTree(folder: string, count: number): void {
  const random = generator(1);
  for (let index = 0; index < count; index++) {
    const [extension, unit] = LANGUAGES[Math.floor(random() * LANGUAGES.length)]!;
    const names = new Names(random);
    const place = join(folder, `${word(index)}${index % 37}`, word(Math.floor(index / 40)));
    mkdirSync(place, { recursive: true });
    const parts: string[] = [];
    for (let lines = 0; lines < 200;) {
      const text = unit(names);
      parts.push(text);
      lines += text.split('\n').length;
    }
    writeFileSync(join(place, `${names.lower()}${index}.${extension}`), parts.join('\n'));
  }
}

const WORDS =
  `account action address agent alias amount angle anchor api archive array asset attribute audit axis badge bank
  batch billing binary block body bounds branch breadcrumb bridge broker browser bucket buffer build bundle button
  cache calendar callback camera canvas card cart catalog category channel chart check child chunk circle claim
  client clock cluster code codec collection color column command comment commit compare compiler component config
  connection constant consumer container content context contract control cookie copy core counter country coupon
  cursor customer daemon data date deadline debug decode delay delivery delta depth device diagram dialog digest
  directory discount dispatch document domain download draft driver duration edge editor element email encode
  endpoint engine entity entry error exchange expression factory feature feed file filter flag flow flush folder
  font footer format forward frame function gateway geometry graph grid group guard handler hash header health
  height helper history hook host icon identity image info input insert instance invoice issue item iterator job
  journal json label language layer layout lease ledger length level library license limit line link list listener
  loader locale log login loop mail manager marker mask matrix media member memory menu merge message metadata
  method metric middleware migration model monitor mouse network node notification number observer offset option
  order origin output owner page panel parameter parent parser partition password patch path pattern payment peer
  pending permission picker pipeline pixel plan player plugin point policy pool port position prefix preview price
  priority process producer product profile progress project prompt property protocol provider proxy publisher
  query queue quota rank rate reader recovery reducer reference region registry relation release render repository
  request reset resolver resource response result retry revision role root rotation route router rule runner scale
  schedule schema scope score screen search section segment selector sender sequence serializer server service
  session setting shape share shipment signal signature size slot snapshot socket source space span spec stack
  stage state status step stock storage store strategy stream style subject submit subscription summary support
  surface symbol sync table tag target task template tenant terminal test text theme thread threshold ticket timer
  timestamp title token tool topic trace track transaction transfer transform tree trigger tuple unit update
  upload url usage user validator value vector vendor version view viewport visitor volume wallet warning watcher
  weight widget width window worker workflow workspace writer zone`.split(/\s+/);
const word = (index: number): string => WORDS[index % WORDS.length]!;

/** Generates names in which few words are frequent and many are rare, as in real sources. */
class Names {
  readonly random: () => number;
  readonly #camels: string[] = [];
  readonly #pascals: string[] = [];
  readonly #snakes: string[] = [];
  // Node only strips types, so parameter properties cannot be used here.
  constructor(random: () => number) {
    this.random = random;
  }
  lower(): string {
    return word(Math.floor(WORDS.length * this.random() ** 2.2) * 7919);
  }
  title(): string {
    const lower = this.lower();
    return lower[0]!.toUpperCase() + lower.slice(1);
  }
  camel(): string {
    return this.#again(this.#camels, () => this.#camel());
  }
  #camel(): string {
    return this.lower() + this.title() + (this.random() < 0.4 ? this.title() : '');
  }
  pascal(): string {
    return this.#again(this.#pascals, () => this.#pascal());
  }
  #pascal(): string {
    return this.title() + this.title() + (this.random() < 0.5 ? this.title() : '');
  }
  snake(): string {
    return this.#again(this.#snakes, () => this.#snake());
  }
  #snake(): string {
    return `${this.lower()}_${this.lower()}${this.random() < 0.3 ? '_' + this.lower() : ''}`;
  }
  /** Names of a file, most of which occur several times in it. */
  #again(known: string[], make: () => string): string {
    if (known.length > 0 && this.random() < 0.7) return known[Math.floor(this.random() * known.length)]!;
    const name = make();
    known.push(name);
    return name;
  }
  number(): number {
    return Math.floor(this.random() * 1000);
  }
  sentence(): string {
    return `Returns the ${this.lower()} of the ${this.lower()} when the ${this.lower()} has a ${this.lower()}.`;
  }
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const times = (count: number, line: () => string): string => Array.from({ length: count }, line).join('\n');

const LANGUAGES: [extension: string, unit: (n: Names) => string][] = [
  ['ts', (n) => script(n, ': string', ': Promise<number>')],
  ['js', (n) => script(n, '', '')],
  ['py', python],
  ['go', go],
  ['java', (n) => curly(n, 'public final class', 'private int', 'throw new IllegalStateException')],
  ['cs', (n) => curly(n, 'public sealed class', 'private int', 'throw new InvalidOperationException')],
  ['rs', rust],
];

function script(n: Names, type: string, result: string): string {
  const field = n.camel();
  return `import { ${n.camel()}, ${n.pascal()} } from './${n.lower()}/${n.lower()}.js';

/** ${n.sentence()} */
export class ${n.pascal()} {
  #${field} = new Map();

${times(
  3,
  () => `  /** ${n.sentence()} */
  async ${n.camel()}(${n.lower()}${type}, ${n.camel()}${type})${result} {
    const ${n.camel()} = await this.#${field}.get(\`${n.lower()}-\${${n.lower()}}\`);
    if (!${n.camel()}.${n.lower()}) throw new Error('${n.sentence()}');
    for (const ${n.lower()} of ${n.camel()}.${n.camel()}()) {
      ${n.camel()}.${n.camel()}(${n.lower()}, { ${n.lower()}: ${n.number()}, ${n.camel()}: '${n.lower()}' });
    }
    return ${n.camel()}.${n.lower()} + ${n.number()};
  }
`,
)}}

// ${n.sentence()}
export function ${n.camel()}(${n.lower()}${type}) {
${times(6, () => `  const ${n.camel()} = ${n.camel()}(${n.lower()}, ${n.number()});`)}
  return ${n.camel()};
}
`;
}

function python(n: Names): string {
  return `import ${n.lower()}
from ${n.lower()}.${n.snake()} import ${n.pascal()}


class ${n.pascal()}(${n.pascal()}):
    """${n.sentence()}"""

${times(
  3,
  () => `    def ${n.snake()}(self, ${n.lower()}, ${n.snake()}=${n.number()}):
        # ${n.sentence()}
        ${n.snake()} = self.${n.snake()}.get("${n.lower()}", ${n.number()})
        if not ${n.snake()}:
            raise ValueError("${n.sentence()}")
        for ${n.lower()} in ${n.snake()}.${n.snake()}():
            self.${n.snake()}[${n.lower()}] = ${n.snake()}(${n.lower()})
        return ${n.snake()}
`,
)}

def ${n.snake()}(${n.lower()}):
${times(7, () => `    ${n.snake()} = ${n.snake()}(${n.lower()}, ${n.number()})`)}
    return ${n.snake()}

`;
}

function go(n: Names): string {
  const type = n.pascal();
  return `// ${type} ${n.sentence()}
type ${type} struct {
${times(5, () => `	${n.pascal()} map[string]${n.pascal()}`)}
}

${times(
  3,
  () => `// ${n.sentence()}
func (s *${type}) ${n.pascal()}(${n.lower()} string) (int, error) {
	${n.camel()}, err := s.${n.camel()}.${n.pascal()}(${n.lower()})
	if err != nil {
		return 0, fmt.Errorf("${n.lower()}: %w", err)
	}
	for _, ${n.lower()} := range ${n.camel()} {
		s.${n.pascal()}[${n.lower()}] = ${n.camel()}(${n.lower()}, ${n.number()})
	}
	return len(${n.camel()}), nil
}
`,
)}
`;
}

function curly(n: Names, kind: string, field: string, fail: string): string {
  return `/** ${n.sentence()} */
${kind} ${n.pascal()} {
${times(4, () => `    ${field} ${n.camel()} = ${n.number()};`)}

${times(
  3,
  () => `    /** ${n.sentence()} */
    public int ${n.camel()}(int ${n.camel()}, String ${n.lower()}) {
        int ${n.camel()} = this.${n.camel()}.${n.camel()}(${n.lower()});
        if (${n.camel()} < ${n.number()}) {
            ${fail}("${n.sentence()}");
        }
        while (${n.camel()}.${n.camel()}()) {
            ${n.camel()}.${n.camel()}(${n.camel()}, ${n.number()});
        }
        return ${n.camel()};
    }
`,
)}}
`;
}

function rust(n: Names): string {
  const type = n.pascal();
  return `/// ${n.sentence()}
pub struct ${type} {
${times(4, () => `    ${n.snake()}: HashMap<String, ${n.pascal()}>,`)}
}

impl ${type} {
${times(
  3,
  () => `    /// ${n.sentence()}
    pub fn ${n.snake()}(&mut self, ${n.lower()}: &str) -> Result<usize, ${n.pascal()}> {
        let ${n.snake()} = self.${n.snake()}.get(${n.lower()}).ok_or("${n.lower()}")?;
        if ${n.snake()}.is_empty() {
            return Err(${n.pascal()}::${n.pascal()});
        }
        for ${n.lower()} in ${n.snake()}.iter() {
            self.${n.snake()}.insert(${n.lower()}.to_string(), ${n.number()});
        }
        Ok(${n.snake()}.len())
    }
`,
)}}
`;
}
