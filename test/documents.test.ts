/** Checks the documents against the tree: files and headings that they name exist, and their tables are current. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { notice } from '../.ci/notices.ts';
import { withTables } from '../.ci/readmeTables.ts';
import { files } from './support/architecture/imports.ts';
import { quoted, rowsOf } from './support/architecture/tables.ts';
import { INSTRUCTION_FILES } from '../extension/reading/instructionFiles.ts';

/** Text that none of our files may contain: personal folders, keys, and package registries. */
const FORBIDDEN_TEXT = /\/(home|Users)\/[a-z]|\/root\/|\/work\/|BEGIN [A-Z ]*PRIVATE KEY|npmjs\.|_authToken/;

const documents = files.filter(
  (file) => file.endsWith('.md') && !/^(CHANGELOG|test\/fixtures\/sample-project)/.test(file),
);
/** Folders of which a checkout has nothing. */
const MADE = /^(dist|node_modules|\.cache)\//;
const OUR_FOLDER = /^(\.\/|\.\.\/|(kernels|engine|extension|webview|media|test|\.ci|\.vscode)\/)/;
const CODE_FILE = /\.(tsx?|mjs|cjs|js|wgsl|py|css|md|sh)$/;

const packages = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).dependencies as object);
const existing = new Set([...files, ...files.flatMap(parents)]);

/** `a/b/` and `a/` for `a/b/c.ts`. */
function parents(file: string): string[] {
  const parent = dirname(file);
  return parent === '.' ? [] : [`${parent}/`, ...parents(parent)];
}

/** Whether a file or folder exists beside a document, in one of the folders that the text is about, or from the root. */
function exists(document: string, name: string, about: readonly string[] = []): boolean {
  const beside = ['', ...about].map((folder) => join(dirname(document), folder, name));
  return [...beside, name].some((path) => {
    const clean = normalize(path).replace(/\/$/, '');
    if (MADE.test(clean) || clean.startsWith('..')) return true;
    if (!clean.includes('*')) return existing.has(clean) || existing.has(`${clean}/`);
    const pattern = clean
      .replaceAll('.', '\\.')
      .replaceAll('**/', '(.*/)?')
      .replace(/(?<!\.)\*/g, '[^/]*');
    return files.some((file) => new RegExp(`^${pattern}$`).test(file));
  });
}

/**
 * Names in backticks that look like paths of ours, having a folder of this repository or the ending of a code file, and
 * do not exist. A line is about the folders that it names; if it names none, about those of the heading, the table's head
 * or the list's item above it.
 */
function missingFiles(document: string): string[] {
  const text = readFileSync(document, 'utf8').replaceAll(/^```.*?^```/gms, '');
  let above: string[] = [];
  return text.split('\n').flatMap((line) => {
    const names = [...line.matchAll(/`[^`\n]+`/g)].flatMap(([span]) => quoted(span));
    const folders = names.filter((name) => name.endsWith('/'));
    if (/^(#|- )/.test(line) || (/^\| file/.test(line) && folders.length > 0)) above = folders;
    const about = folders.length > 0 ? folders : above;
    return (
      names
        .map((name) => name.replace(/(:\d+)+$/, ''))
        .filter((name) => /^[\w.@*/-]+$/.test(name) && !/^(@|\/|~|\.\w+$)/.test(name) && !packages.includes(name))
        .filter((name) => CODE_FILE.test(name) || OUR_FOLDER.test(name))
        // Files of the user's projects.
        .filter((name) => !INSTRUCTION_FILES.includes(name))
        .filter((name) => !exists(document, name, about))
    );
  });
}

/** The anchors of a document's headings, as GitHub and VS Code make them. */
function anchors(document: string): string[] {
  const headings = readFileSync(document, 'utf8')
    .replaceAll(/^```.*?^```/gms, '')
    .matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text]) =>
    text!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('documents', () => {
  for (const document of documents) {
    it(`${document} names files that exist`, () => {
      assert.deepEqual(missingFiles(document), []);
    });

    it(`${document} links to files and headings that exist`, () => {
      const links = [...readFileSync(document, 'utf8').matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)].map(
        (match) => (match[1] ?? match[2])!,
      );
      const broken = links
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => {
          const [path, anchor] = link.split('#');
          const target = path ? normalize(join(dirname(document), path)) : document;
          return !exists(document, target) || (anchor !== undefined && !anchors(target).includes(anchor));
        });
      assert.deepEqual(broken, []);
    });
  }

  it('ARCHITECTURE.md says why each dependency is here', () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
      readFileSync('package.json', 'utf8'),
    ) as Record<string, object>;
    const declared = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(
      (name) => !/^@types\/|\/types$/.test(name),
    );
    const rows = rowsOf(['package', 'why']).flatMap(([names]) => quoted(names!));
    assert.deepEqual(rows.sort(), declared.sort());
  });

  it("README's tables of settings and commands are those of package.json (npm run format)", () => {
    assert.equal(readFileSync('README.md', 'utf8'), withTables(readFileSync('README.md', 'utf8')));
  });

  it("no text names a place on somebody's machine", () => {
    const written = files.filter(
      (file) => !/^(test\/fixtures\/|media\/|package-lock\.json|test\/documents\.test\.ts)/.test(file),
    );
    assert.deepEqual(
      written.filter((file) => FORBIDDEN_TEXT.test(readFileSync(file, 'utf8'))),
      [],
    );
  });

  it('the packaged notices have the licence of the language data, which is not that of their packages', () => {
    for (const language of ['eng', 'deu']) {
      const text = notice(`node_modules/@tesseract.js-data/${language}`);
      assert.match(
        text,
        /tessdata, under the Apache License 2\.0:\s+Apache License\s+Version 2\.0[^]*TERMS AND CONDITIONS/,
      );
    }
  });
});
