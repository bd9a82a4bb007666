/**
 * Finds the declarations of a source file with tree-sitter. A grammar is loaded for the first file of its language. No
 * vscode.
 */
import { extname } from 'node:path';
import type { Node, Parser } from '@vscode/tree-sitter-wasm';
import { loadParser } from '../../engine/syntax/loadParser.ts';
import { grammarOf } from '../common/languages.ts';

/** Lines count from 0; `last` is included. */
export interface Declaration {
  /** The first line, including the comments before the declaration. */
  readonly first: number;
  /** The first line of the declaration itself. */
  readonly line: number;
  readonly last: number;
  /** The declared name; empty for other code. */
  readonly name: string;
  /** The parts of a class, or of anything that is too large for one chunk. */
  readonly inner: readonly Declaration[];
}

/** Larger pieces of code are divided, whatever they are. */
export const LARGE_LINES = 80;

export class Syntax {
  readonly #parsers = new Map<string, Promise<Parser>>();

  /** `folder` holds tree-sitter.wasm and the grammars. */
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Undefined for a language without a grammar. */
  async declarations(path: string, text: string): Promise<readonly Declaration[] | undefined> {
    const grammar = grammarOf(extname(path));
    if (grammar === undefined) return undefined;
    let parser = this.#parsers.get(grammar);
    if (!parser) this.#parsers.set(grammar, (parser = loadParser(this.#folder, grammar)));
    const tree = (await parser).parse(text);
    if (!tree) return undefined;
    try {
      return declarationsIn(tree.rootNode, 0);
    } finally {
      tree.delete();
    }
  }

  async dispose(): Promise<void> {
    for (const parser of this.#parsers.values()) (await parser).delete();
    this.#parsers.clear();
  }
}

/** Code that is nested deeper is data. */
const DEEPEST = 8;
const CONTAINERS =
  /^(export_statement|export_declaration|decorated_definition|template_declaration|namespace|internal_module|module|class|program)$|class_|interface_|impl_item|trait_|mod_item|namespace_|struct_(?!expression)|record_|object_declaration|enum_decl|singleton_class/;

function declarationsIn(parent: Node, depth: number): Declaration[] {
  const found: Declaration[] = [];
  let comment = -1;
  let commentEnd = -1;
  for (const node of parent.namedChildren) {
    if (!node) continue;
    const line = node.startPosition.row;
    const end = node.endPosition;
    // A node that ends with its line end (as Ruby's and Bash's do) ends on the line before.
    const last = end.column === 0 && end.row > line ? end.row - 1 : end.row;
    if (/comment|^attribute_item$/.test(node.type)) {
      if (comment < 0 || line > commentEnd + 1) comment = line;
      commentEnd = last;
      continue;
    }
    // A blank line may separate them.
    const first = comment >= 0 && line <= commentEnd + 2 ? comment : line;
    comment = -1;
    found.push({ first, line, last, name: nameOf(node, 0), inner: innerOf(node, last - first + 1, depth) });
  }
  return found;
}

function innerOf(node: Node, lines: number, depth: number): Declaration[] {
  if (depth >= DEEPEST || lines < 3) return [];
  if (lines <= LARGE_LINES && !CONTAINERS.test(node.type)) return [];
  const name = nameOf(node, 0);
  let body = node;
  // Descends through `export`, `const x =`, `function () {` and `{` to the node that has parts.
  for (let step = 0; step < 12; step++) {
    const children = body.namedChildren.filter((child) => child !== null);
    const span = body.endPosition.row - body.startPosition.row;
    const main = children.find((child) => child.endPosition.row - child.startPosition.row >= 0.7 * span);
    // Stops at a part with a name of its own, such as the only method of a class.
    const part = main ? nameOf(main, 0) : '';
    if (!main || (part && part !== name) || (children.length > 3 && main !== children.at(-1))) break;
    body = main;
  }
  return body === node && !CONTAINERS.test(node.type) && lines <= LARGE_LINES ? [] : declarationsIn(body, depth + 1);
}

const NAMING_FIELDS = ['name', 'declarator', 'declaration', 'definition', 'left', 'key', 'property'] as const;
/** Nodes that only wrap a declaration. */
const WRAPPERS =
  /^(export_statement|expression_statement|lexical_declaration|variable_declaration|declaration|field_declaration|type_declaration|const_declaration|var_declaration|template_declaration|public_field_definition|global_statement|const_spec|type_spec|decorated_definition|ambient_declaration|declaration_list|assignment_expression|variable_declarator)$/;
const LONGEST_NAME = 100;

/** The declared name, or "Runner.prototype.run" for an assignment to a member; empty if nothing is declared. */
function nameOf(node: Node, depth: number): string {
  const { type } = node;
  if (type === 'impl_item') return plain(node.childForFieldName('type'));
  if (type === 'qualified_identifier') return plain(node);
  if (type === 'rule_set') return plain(node.firstNamedChild);
  if (/^(import|call_expression|use_|package|if_|for_|return|throw|while)/.test(type) || depth > 5) return '';
  if (type === 'variable_declarator' && isImport(node)) return '';
  for (const field of NAMING_FIELDS) {
    const child = node.childForFieldName(field);
    if (!child) continue;
    if (field === 'name' || field === 'left' || field === 'key' || field === 'property') return plain(child);
    return nameOf(child, depth + 1) || plain(child);
  }
  if (!WRAPPERS.test(type)) return '';
  for (const child of node.namedChildren) {
    const name = child ? nameOf(child, depth + 1) : '';
    if (name) return name;
  }
  return '';
}

/** `const x = require('y')` declares nothing: it names something from elsewhere. */
function isImport(declarator: Node): boolean {
  const value = declarator.childForFieldName('value');
  return value !== null && /^(await\s+import|require)\s*\(/.test(value.text.slice(0, 40));
}

function plain(node: Node | null): string {
  if (!node || node.endPosition.row > node.startPosition.row + 2) return '';
  const text = node.text.replace(/^(["'`])(.*)\1$/, '$2').replace(/\s+/g, ' ');
  return text.length <= LONGEST_NAME && /[\p{L}_]/u.test(text) && !/^[[{(]/.test(text) ? text : '';
}
