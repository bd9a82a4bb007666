/** Turns a theme's TextMate rules into colours for highlight.js's classes. Pure. */
import * as z from 'zod';
import type { SyntaxColors } from '../../../webview/protocol.ts';

const style = z.object({ foreground: z.string().optional(), fontStyle: z.string().optional() });
const rule = z.object({ scope: z.union([z.string(), z.array(z.string())]).optional(), settings: style });
/** Skips invalid rules and keeps the others. */
const rules = z.array(z.unknown()).transform((all) => all.flatMap((each) => rule.safeParse(each).data ?? []));
const themeFile = z.object({ include: z.string().optional(), tokenColors: z.union([rules, z.string()]).optional() });

export type Rule = z.output<typeof rule>;
export type ThemeFile = z.output<typeof themeFile>;

/** Parses a theme file, which is JSON with comments and trailing commas. Undefined if it is invalid. */
export function parseTheme(text: string): ThemeFile | undefined {
  try {
    return themeFile.parse(JSON.parse(plainJson(text)));
  } catch {
    return undefined;
  }
}

function plainJson(text: string): string {
  const withoutComments = text
    .replace(/^\ufeff/, '')
    .replace(/("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[^]*?\*\//g, (_, string: string | undefined) => string ?? ' ');
  return withoutComments.replace(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, (_, string: string | undefined) => string ?? '');
}

/** Token groups for which editor.tokenColorCustomizations has keys of their own. */
const GROUPS: Readonly<Record<string, string[]>> = {
  comments: ['comment', 'punctuation.definition.comment'],
  strings: ['string'],
  keywords: ['keyword', 'storage', 'storage.type'],
  numbers: ['constant.numeric'],
  types: ['entity.name.type', 'entity.name.class', 'support.type', 'support.class'],
  functions: ['entity.name.function', 'support.function'],
  variables: ['variable', 'entity.name.variable'],
};

const record = z.record(z.string(), z.unknown());

/** The user's rules in editor.tokenColorCustomizations: for all themes, then for this one. */
export function customRules(customizations: unknown, themeName: string): Rule[] {
  const all = record.safeParse(customizations).data ?? {};
  const own = Object.entries(all).filter(([key]) => key.startsWith('[') && names(key, themeName));
  return [all, ...own.map(([, value]) => record.safeParse(value).data ?? {})].flatMap((each) => [
    ...Object.entries(GROUPS).flatMap(([group, scope]) => {
      const value = z.union([z.string().transform((foreground) => ({ foreground })), style]).safeParse(each[group]);
      return value.success ? [{ scope, settings: value.data }] : [];
    }),
    ...(rules.safeParse(each['textMateRules']).data ?? []),
  ]);
}

/** Whether a key such as "[Monokai]", "[*Dark*]" or "[A][B]" names the theme. */
function names(key: string, themeName: string): boolean {
  return [...key.matchAll(/\[([^\]]*)\]/g)].some(([, pattern]) => {
    const literal = pattern!.split('*').map((part) => part.replace(/[.+?^${}()|\\[\]]/g, '\\$&'));
    return new RegExp(`^${literal.join('.*')}$`).test(themeName);
  });
}

/**
 * For each highlight.js class, the scopes of such text in a TextMate grammar; the first scope that has a colour counts.
 */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  keyword: ['keyword.control', 'storage.type', 'keyword'],
  built_in: ['support.function', 'support.type', 'support'],
  type: ['entity.name.type', 'support.type', 'storage.type'],
  literal: ['constant.language', 'constant'],
  number: ['constant.numeric'],
  operator: ['keyword.operator'],
  punctuation: ['punctuation'],
  property: ['variable.other.property', 'support.variable.property', 'variable'],
  regexp: ['string.regexp', 'string'],
  string: ['string.quoted', 'string'],
  'char.escape': ['constant.character.escape', 'string'],
  subst: ['meta.template.expression', 'variable'],
  symbol: ['constant.other.symbol', 'constant.language', 'constant'],
  variable: ['variable.other.readwrite', 'variable'],
  'variable.language': ['variable.language'],
  'variable.constant': ['variable.other.constant', 'constant'],
  title: ['entity.name.function', 'entity.name'],
  'title.class': ['entity.name.type.class', 'entity.name.class'],
  'title.class.inherited': ['entity.other.inherited-class', 'entity.name.type'],
  'title.function': ['entity.name.function'],
  'title.function.invoke': ['entity.name.function', 'support.function'],
  params: ['variable.parameter', 'variable'],
  comment: ['comment.line', 'comment'],
  doctag: ['storage.type.class.jsdoc', 'keyword.other.documentation', 'comment'],
  meta: ['meta.preprocessor', 'keyword.control.directive', 'comment'],
  'meta.prompt': ['comment'],
  section: ['markup.heading', 'entity.name.section'],
  tag: ['punctuation.definition.tag', 'entity.name.tag'],
  name: ['entity.name.tag'],
  attr: ['entity.other.attribute-name', 'support.type.property-name'],
  attribute: ['support.type.property-name', 'entity.other.attribute-name'],
  bullet: ['punctuation.definition.list.begin.markdown', 'markup.list'],
  code: ['markup.inline.raw'],
  emphasis: ['markup.italic'],
  strong: ['markup.bold'],
  formula: ['markup.inline.raw', 'string'],
  link: ['markup.underline.link', 'string.other.link'],
  quote: ['markup.quote'],
  'selector-tag': ['entity.name.tag.css', 'entity.name.tag'],
  'selector-id': ['entity.other.attribute-name.id.css', 'entity.other.attribute-name'],
  'selector-class': ['entity.other.attribute-name.class.css', 'entity.other.attribute-name'],
  'selector-attr': ['entity.other.attribute-name.css', 'entity.other.attribute-name'],
  'selector-pseudo': ['entity.other.attribute-name.pseudo-class.css', 'entity.other.attribute-name'],
  'template-tag': ['punctuation.definition.template-expression', 'keyword.control'],
  'template-variable': ['variable.other.readwrite', 'variable'],
  addition: ['markup.inserted'],
  deletion: ['markup.deleted'],
};

/** Of equally specific rules, the last one wins. */
export function syntaxColors(rules: readonly Rule[]): SyntaxColors {
  const colors: SyntaxColors = {};
  for (const [name, scopes] of Object.entries(SCOPES)) {
    const found = scopes.map((scope) => styleOf(rules, scope)).find((each) => Object.keys(each).length > 0);
    if (found) colors[name] = found;
  }
  return colors;
}

function styleOf(rules: readonly Rule[], scope: string): SyntaxColors[string] {
  let [color, colorDepth, font, fontDepth] = ['', 0, '', 0];
  for (const { scope: selectors = [], settings } of rules) {
    const depth = Math.max(
      0,
      ...[selectors]
        .flat()
        .flatMap((each) => each.split(','))
        .map((each) => matches(each, scope)),
    );
    if (depth === 0) continue;
    if (settings.foreground !== undefined && isColor(settings.foreground) && depth >= colorDepth) {
      [color, colorDepth] = [settings.foreground, depth];
    }
    if (settings.fontStyle !== undefined && depth >= fontDepth) [font, fontDepth] = [settings.fontStyle, depth];
  }
  return {
    ...(color === '' ? {} : { color }),
    ...(/\bitalic\b/.test(font) ? { italic: true } : {}),
    ...(/\bbold\b/.test(font) ? { bold: true } : {}),
  };
}

/** Validates a colour before it is put into a style sheet. */
function isColor(value: string): boolean {
  return /^#(?:[\da-f]{3,4}|[\da-f]{6}|[\da-f]{8})$/i.test(value);
}

/** Specificity of a selector for a scope; 0 if it does not match or requires enclosing scopes. */
function matches(selector: string, scope: string): number {
  const wanted = selector
    .split(/\s-\s?/)[0]!
    .trim()
    .replace(/^source\s+/, '');
  return wanted !== '' && (scope === wanted || scope.startsWith(`${wanted}.`)) ? wanted.split('.').length : 0;
}
