/** Stands in for a module of the project that the preview does not have. */
import { type ComponentChildren, type ComponentType, h } from 'preact';

const STYLES = /\.(css|scss|sass|less|styl)$/;
const FILES = /\.(svg|png|jpe?g|gif|webp|avif|ico)$/;

/** The names of CSS classes, the address of no picture, or components that are drawn as boxes with their names. */
export function missingModule(from: string): object {
  if (STYLES.test(from)) return exportsOf(() => exportsOf((name) => name));
  if (FILES.test(from)) return exportsOf(() => '');
  const own = from.split('/').at(-1) ?? from;
  return exportsOf((name) => missingComponent(name === 'default' ? own : name, from));
}

function missingComponent(name: string, from: string): ComponentType {
  return ({ children }: { children?: ComponentChildren }) => {
    const style = 'border: 1px dashed #767676; padding: 4px; min-height: 1em';
    return h('div', { title: from, style }, h('small', { style: 'color: #595959' }, name), children);
  };
}

/** A module that exports whatever is asked of it. */
function exportsOf(give: (name: string) => unknown): object {
  const given = new Map<string, unknown>();
  const get = (_: object, key: string | symbol): unknown => {
    if (typeof key === 'symbol') return undefined;
    if (key === '__esModule') return true;
    if (!given.has(key)) given.set(key, give(key));
    return given.get(key);
  };
  return new Proxy({}, { get });
}
