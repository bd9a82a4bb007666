/** A page that shows all it can show. */
import type { Chip, ConversationEntry, PageState, Suggestion } from '../../webview/protocol.ts';
import { emptyState, message } from './chatPage.ts';

const ANSWER = `The sum is rounded **twice**: once per line in \`price()\`, and once more in *total*. See [IEEE 754](https://example.com/ieee).

# What happens
1. Each line is rounded to cents.
2. The sum is rounded again:
   \`\`\`sh
   npm test -- price
   \`\`\`

## How to mend it
> Round where money is shown, not where it is added.

\`\`\`ts src/price.ts
import { round } from './round.ts';

/** Adds prices; rounds once. */
export function total(lines: readonly Line[]): number {
  const sum = lines.reduce((all, line) => all + line.price * line.count, 0);
  return round(sum, 2); // "half even"
}
\`\`\`

| value | before | after |
|---|:-:|--:|
| 1.005 | 1.00 | 1.01 |
| 2.675 | 2.67 | 2.68 |

- [ ] ![a chart](https://evil.example/x.png)
- <b>not bold</b>, [not a link](command:workbench.action.quit)

---

חישוב הסכום נעשה פעמיים.`;

const chip = {
  id: 'x1',
  kind: 'file',
  label: 'price.ts',
  detail: 'src/price.ts, 120 lines',
  tokens: 840,
  cut: '',
  uri: 'file:///p',
  line: 1,
} as const;
const picture: Chip = {
  id: 'x5',
  kind: 'picture',
  label: 'dialog.png',
  detail: 'dialog.png, 1200 × 700 pixels',
  tokens: 1921,
  cut: '',
  picture: {
    hash: 'a'.repeat(64),
    width: 1200,
    height: 700,
    costs: [
      { mostCrops: 16, tokens: 1921, seconds: 170 },
      { mostCrops: 4, tokens: 757, seconds: 41.5 },
    ],
  },
};
const engine = {
  kind: 'ready',
  text: 'starter',
  fraction: 1,
  remedies: ['chooseModel'],
  advice: 'The bundled starter model can complete code, but it cannot hold a conversation.',
  place: 'Local only',
  sent: 'Nothing was sent over a network.',
  goes: '',
} as const;

export const EVERYTHING: PageState = {
  ...emptyState(),
  messages: [
    message('q1', 'Why is the total wrong by a cent?\nI checked every line.', { chips: [chip, picture] }),
    message('a1', ANSWER, {
      sources: [
        {
          name: 'src/price.ts',
          uri: 'file:///p',
          lines: [
            [1, 40],
            [80, 96],
          ],
          totalLines: 120,
        },
        { name: 'terminal', uri: '', lines: [[1, 12]], totalLines: 12 },
      ],
      figures: '3,412 prompt tokens (3,400 cached) · 230 generated · 14 tokens/s',
    }),
    message('q2', 'And for Yen?'),
    message('a2', 'Yen have no', { status: 'failed', problem: 'The engine ended unexpectedly.' }),
    message('q3', 'Again?'),
    message('a3', 'Yen have no cents. '.repeat(3), { status: 'repeated' }),
    message('q4', 'Once more?'),
    message('a4', 'Yen have no cents, so', { status: 'stopped' }),
  ],
  chips: [
    chip,
    {
      id: 'x2',
      kind: 'selection',
      label: 'round.ts:10-24',
      detail: 'src/round.ts, lines 10-24',
      tokens: 120,
      cut: '',
      uri: 'file:///r',
      line: 10,
    },
    {
      id: 'x3',
      kind: 'problems',
      label: 'Problems',
      detail: '3 errors',
      cut: '2 of 3 parts omitted, 0 shortened',
      tokens: 90,
    },
    picture,
    { id: 'x4', kind: 'project', label: 'Project', detail: 'Parts of the project that match the question', cut: '' },
  ],
  contextUse: {
    used: 3900,
    limit: 4096,
    note: 'The context window is full. The oldest 2 messages of this chat are omitted.',
  },
  engine: { ...engine, remedies: [...engine.remedies] },
};

export const SUGGESTIONS: Suggestion[] = [
  { id: 's1', insert: '@file ', label: '@file', detail: 'A file of the project', kind: 'file', more: true },
  { id: 's2', insert: '', label: '@problems', detail: 'Errors and warnings', kind: 'problems', more: false },
  { id: 's3', insert: '/explain ', label: '/explain', detail: 'Explains the selection', kind: 'command', more: false },
];

export const CONVERSATIONS: ConversationEntry[] = [
  { id: 'c1', title: 'Rounding of prices', when: '2 minutes ago', messages: 6, excerpt: '' },
  { id: 'c2', title: 'Tests for the parser', when: 'yesterday', messages: 1, excerpt: '… the parser drops blanks …' },
];
