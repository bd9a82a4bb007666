/** The sources under an answer: the pieces of text that the model was given. */
import { memo } from '../memo.ts';
import { usePage } from '../page.ts';
import type { SourceLink } from '../protocol.ts';
import { count, t } from '../texts.ts';

/** Links that open a file at a line. */
export const Sources = memo(({ sources }: { sources: SourceLink[] }) => (
  <details class="sources">
    <summary>{sources.length === 1 ? t('Used 1 source') : t('Used {0} sources', count(sources.length))}</summary>
    <ul>
      {sources.map((source, index) => (
        <SourceView key={index} source={source} />
      ))}
    </ul>
  </details>
));

function SourceView({ source: { name, uri, lines, totalLines } }: { source: SourceLink }) {
  const page = usePage();
  const ranges = lines.map(([first, last]) => (first === last ? count(first) : `${count(first)}–${count(last)}`));
  const given = lines.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const what =
    given >= totalLines
      ? t('all {0} lines', count(totalLines))
      : t('lines {0} of {1}', ranges.join(', '), count(totalLines));
  const open = () => page.post({ type: 'openSource', uri, line: lines[0]?.[0] ?? 1 });
  return (
    <li>
      {uri ? (
        <button type="button" class="link" onClick={open}>
          <bdi>{name}</bdi>
        </button>
      ) : (
        <bdi>{name}</bdi>
      )}
      <span class="muted"> {what}</span>
    </li>
  );
}
