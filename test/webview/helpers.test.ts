/** The page's small pure parts. */
import assert from 'node:assert/strict';
import { parseMessage } from '../../extension/chat/page/messages.ts';
import { send } from '../../webview/actions.ts';
import { fenceInfo, isShell } from '../../webview/markdown/fence.ts';
import { Highlighter } from '../../webview/code/highlight.ts';
import { type Key, composerAction, triggerAt } from '../../webview/keyboard.ts';
import { isAllowedLink } from '../../webview/markdown/links.ts';
import { speakable } from '../../webview/speech/sentences.ts';
import type { Page } from '../../webview/page.ts';
import type { FromPage } from '../../webview/protocol.ts';
import { EMPTY, reduce } from '../../webview/state.ts';
import { setTexts, t } from '../../webview/texts.ts';

describe('a question', () => {
  const sent = (draft: string): { page: Page; posted: FromPage[] } => {
    const posted: FromPage[] = [];
    const page = {
      view: { ...EMPTY, draft },
      dispatch: (event: Parameters<Page['dispatch']>[0]) => void (page.view = reduce(page.view, event)),
      post: (message: FromPage) => void posted.push(message),
    };
    send(page);
    return { page, posted };
  };

  it('as long as the host takes it is sent', () => {
    const { page, posted } = sent('x'.repeat(1_000_000));
    assert.deepEqual(parseMessage(posted[0]), { message: posted[0] });
    assert.equal(page.view.draft, '');
  });

  it('that is longer stays in the input, and a sentence says why', () => {
    const { page, posted } = sent('x'.repeat(1_000_001));
    assert.equal(posted.length, 0);
    assert.equal(page.view.draft.length, 1_000_001);
    assert.match(page.view.notice, /at most one million characters/);
  });
});

describe('language and path of a code block', () => {
  for (const [info, code, language, path] of [
    ['', 'x', '', ''],
    ['ts', 'const a = 1;', 'ts', ''],
    ['TypeScript', '', 'typescript', ''],
    ['ts src/a.ts', '', 'ts', 'src/a.ts'],
    ['ts:src/a.ts', '', 'ts', 'src/a.ts'],
    ['ts title="src/my file.ts"', '', 'ts', 'src/my file.ts'],
    ['ts:src/my file.ts', '', 'ts', 'src/my file.ts'],
    ['ts: src/my file.ts {1,3}', '', 'ts', 'src/my file.ts'],
    ['ts:"src/my file.ts"', '', 'ts', 'src/my file.ts'],
    ['ts src/my file.ts', '', 'ts', 'src/my file.ts'],
    ['ts src/a.ts (new file)', '', 'ts', 'src/a.ts'],
    ['ts src/a.ts lines 3-9', '', 'ts', 'src/a.ts'],
    ['txt:Copy (2).txt', '', 'txt', 'Copy (2).txt'],
    ['tsx app/(shop)/[id]/page.tsx', '', 'tsx', 'app/(shop)/[id]/page.tsx'],
    ['tsx:app/(shop)/[id]/page.tsx', '', 'tsx', 'app/(shop)/[id]/page.tsx'],
    ['app/(shop)/[id]/page.tsx', '', '', 'app/(shop)/[id]/page.tsx'],
    ['dockerfile:docker/Dockerfile', '', 'dockerfile', 'docker/Dockerfile'],
    ['sh:bin/run', '', 'sh', 'bin/run'],
    ['sh title="bin/run"', '', 'sh', 'bin/run'],
    ['make Makefile', '', 'make', 'Makefile'],
    ['Dockerfile', '', '', 'Dockerfile'],
    ['text .gitignore', '', 'text', '.gitignore'],
    ['ts', '// src/my file.ts\nconst a = 1;', 'ts', 'src/my file.ts'],
    ['ts', '// file: my file.ts\nconst a = 1;', 'ts', 'my file.ts'],
    ['tsx', '// app/(shop)/page.tsx\nconst a = 1;', 'tsx', 'app/(shop)/page.tsx'],
    ['', '# Dockerfile\nFROM x', '', 'Dockerfile'],
    ['ts', '// see src/a.ts', 'ts', ''],
    ['ts', '// src/a.ts and src/b.ts', 'ts', ''],
    ['ts', '// moves the old code of it/to a.ts', 'ts', ''],
    ['ts showLineNumbers', '', 'ts', ''],
    ['ts startline=3 endline=9 src/a.ts', '', 'ts', ''],
    ['http://x.example/a.ts', '', 'http', ''],
    ['ts:src/a.ts | tee x', '', 'ts', ''],
    ['ts title="src/a.ts" {1,3}', '', 'ts', 'src/a.ts'],
    ["js filename='a.js'", '', 'js', 'a.js'],
    ['py path=lib/a.py', '', 'py', 'lib/a.py'],
    ['src/a.ts', '', '', 'src/a.ts'],
    ['c++', '', 'c++', ''],
    ['{.python}', '', 'python', ''],
    ['ts', '// src/a.ts\nconst a = 1;', 'ts', 'src/a.ts'],
    ['py', '# lib/a.py', 'py', 'lib/a.py'],
    ['html', '<!-- index.html -->\n<p>', 'html', 'index.html'],
    ['css', '/* style/a.css */\na {}', 'css', 'style/a.css'],
    ['sql', '-- File: db/a.sql\nselect 1', 'sql', 'db/a.sql'],
    ['ts', '// file.ts\nx', 'ts', 'file.ts'],
    ['ts', '// new-path.ts\nx', 'ts', 'new-path.ts'],
    ['ts', '// Adds one.\nconst a = 1;', 'ts', ''],
    ['ts', '// see src/a.ts for more', 'ts', ''],
    ['ts <img src=x onerror=alert(1)>', '', 'ts', ''],
    ['diff', '--- a/src/a.ts\n+++ b/src/a.ts\n@@ -1 +1 @@\n-a\n+b', 'diff', 'src/a.ts'],
    ['diff', '--- src/a.ts\n+++ src/a.ts\n@@ @@', 'diff', 'src/a.ts'],
    [
      'diff',
      'diff --git a/src/a.ts b/src/a.ts\nindex 1..2 100644\n--- a/src/a.ts\n+++ b/src/a.ts\n@@',
      'diff',
      'src/a.ts',
    ],
    ['diff', '--- /dev/null\n+++ b/src/a.ts\n@@', 'diff', 'src/a.ts'],
    ['diff', '--- a/src/a.ts\n+++ /dev/null\n@@', 'diff', ''],
    ['diff', '--- a/src/a.ts\n+++ b/src/b.ts\n@@', 'diff', ''],
    ['diff', '--- a/src/a.ts\n+++ b/src/a.ts\n@@\n x\n--- a/b.ts\n+++ b/b.ts\n@@', 'diff', ''],
    ['diff', '--- a/src/a.ts\t2024-01-01 10:00:00\n+++ b/src/a.ts\t2024-01-01 10:00:01\n@@', 'diff', 'src/a.ts'],
    ['diff', '--- src/a.ts (original)\n+++ src/a.ts (modified)\n@@', 'diff', 'src/a.ts'],
    ['diff', '--- a/src/my file.ts\n+++ b/src/my file.ts\n@@', 'diff', 'src/my file.ts'],
    ['diff', '--- a/x.ts\n+++ a/x.ts\n@@', 'diff', 'a/x.ts'],
    ['', '--- a/src/a.ts\n+++ b/src/a.ts\n@@ -1 +1 @@\n-a\n+b', '', 'src/a.ts'],
    ['diff', '--- a/src/.../a.ts\n+++ b/src/.../a.ts\n@@', 'diff', ''],
    ['js', '// Node.js\nx', 'js', ''],
    ['js', '// app.listen\nx', 'js', ''],
    ['js', '// filepath: src/a.js\nx', 'js', 'src/a.js'],
    ['js', '// === src/a.js ===\nx', 'js', 'src/a.js'],
    ['js', '// src/a.js (new)', 'js', 'src/a.js'],
    ['js', '// In src/a.js:', 'js', 'src/a.js'],
    ['tsx', '{/* src/a.tsx */}', 'tsx', 'src/a.tsx'],
    ['py', '#!/usr/bin/env python\n# src/a.py\nx', 'py', 'src/a.py'],
    ['php', '<?php\n// src/a.php\n', 'php', 'src/a.php'],
    ['sh', '# run a.sh', 'sh', ''],
    ['py', '# e.g. this', 'py', ''],
    ['ts', '//src/a.ts', 'ts', 'src/a.ts'],
    ['12:15:src/a.ts', '', '', 'src/a.ts'],
    ['dockerfile', 'FROM x', 'dockerfile', ''],
    ['makefile', 'x', 'makefile', ''],
    ['Dockerfile', 'FROM x', '', 'Dockerfile'],
    ['ts', '/** src/a.ts */', 'ts', 'src/a.ts'],
    ['ml', '(* src/a.ml *)', 'ml', 'src/a.ml'],
    ['ts', '// src/.../a.ts', 'ts', ''],
    ['ts', '// src/a.ts:12', 'ts', 'src/a.ts'],
    ['md', '# README.md\n', 'md', 'README.md'],
    ['yaml', '# docker-compose.yml\n', 'yaml', 'docker-compose.yml'],
    ['ts:src/a.ts:10-20', '', 'ts', 'src/a.ts'],
    ['ts src/a.ts:10', '', 'ts', 'src/a.ts'],
    ['c', '#include "a.h"', 'c', ''],
    ['css', '#a.css {}', 'css', ''],
    ['sh', '#!/bin/sh\n# bin/run.sh', 'sh', 'bin/run.sh'],
    ['ts', '// @/lib/a.ts', 'ts', ''],
    ['ts', '// File: Makefile', 'ts', 'Makefile'],
    ['ts', '// eslint.config.js', 'ts', 'eslint.config.js'],
    ['', '*** Begin Patch\n*** Update File: src/a.ts\n@@', '', 'src/a.ts'],
    ['', '*** Update File: a.ts\n@@\n*** Update File: b.ts\n@@', '', ''],
  ] as const) {
    it(`${JSON.stringify(info)} ${JSON.stringify(code.split('\n')[0])}`, () =>
      assert.deepEqual(fenceInfo(info, code), { language, path }));
  }

  for (const [before, info, code, path] of [
    ['src/a.ts', 'ts', '// a.ts\nx', 'src/a.ts'],
    ['src/a.ts', 'ts', '// b.ts\nx', 'b.ts'],
    ['src/a.ts', 'ts src/b.ts', '', 'src/b.ts'],
    ['README.md', 'md', '# Tool\n', 'README.md'],
    ['src/a.ts', 'diff', '+a', 'src/a.ts'],
    ['src/a.ts', '', 'x', 'src/a.ts'],
    ['.prettierrc', 'json', '{}', '.prettierrc'],
    ['bin/a.sh', 'bash', 'x', 'bin/a.sh'],
    ['a.ts', 'console', 'x', ''],
    ['a.ts', 'diff', '--- a/a.ts\n+++ b/c.ts\n@@', ''],
    ['src/a.ts', 'diff', '--- a/a.ts\n+++ b/a.ts\n@@', 'src/a.ts'],
    ['', 'ts', `// ${'-'.repeat(100_000)} b`, ''],
    ['a.ts', 'json', '{}', ''],
  ] as const) {
    it(`${JSON.stringify([info, code.slice(0, 50)])} behind ${before}: ${path || 'none'}`, () =>
      assert.equal(fenceInfo(info, code, before).path, path));
  }

  it('knows shells', () => assert.deepEqual(['sh', 'powershell', 'ts', ''].map(isShell), [true, true, false, false]));
});

describe('keys in the composer', () => {
  const key = (name: string, change: Partial<Key> = {}): Key => ({
    ...{ key: name, keyCode: 0, isComposing: false, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false },
    ...change,
  });
  const idle = { suggestionsOpen: false, empty: false, writing: false };
  const open = { ...idle, suggestionsOpen: true };
  for (const [name, pressed, situation, action] of [
    ['Enter sends', key('Enter'), idle, 'send'],
    ['Ctrl+Enter sends', key('Enter', { ctrlKey: true }), idle, 'send'],
    ['Shift+Enter breaks the line', key('Enter', { shiftKey: true }), idle, undefined],
    ['Enter takes a suggestion', key('Enter'), open, 'take'],
    ['Tab takes a suggestion', key('Tab'), open, 'take'],
    ['Shift+Tab leaves', key('Tab', { shiftKey: true }), open, undefined],
    ['Tab leaves where nothing is suggested', key('Tab'), idle, undefined],
    ['Escape closes suggestions first', key('Escape'), { ...open, writing: true }, 'dismiss'],
    ['Escape stops the answer', key('Escape'), { ...idle, writing: true }, 'stop'],
    ['Escape does nothing else', key('Escape'), idle, undefined],
    ['ArrowUp edits the last question', key('ArrowUp'), { ...idle, empty: true }, 'editLast'],
    ['ArrowUp moves in a text', key('ArrowUp'), idle, undefined],
    ['arrows walk through suggestions', key('ArrowDown'), open, 'next'],
    ['Enter takes the word that is composed', key('Enter', { isComposing: true }), idle, undefined],
    ['Enter after the composition, as Safari says it', key('Enter', { keyCode: 229 }), idle, undefined],
    ['arrows choose among words that are composed', key('ArrowDown', { isComposing: true }), open, undefined],
  ] as const) {
    it(name, () => assert.equal(composerAction(pressed, situation), action));
  }

  for (const [text, expected] of [
    ['@', '@'],
    ['see @ma', '@ma'],
    ['see @file src/ma', '@file src/ma'],
    ['a@b.example', undefined],
    ['/ex', '/ex'],
    ['see /ex', undefined],
    ['/explain now', undefined],
    ['@file a b', undefined],
  ] as const) {
    it(`${JSON.stringify(text)} asks for ${String(expected)}`, () =>
      assert.equal(triggerAt(text, text.length)?.text, expected));
  }
});

describe('what is read out', () => {
  const say = (text: string, from = 0, complete = false) => speakable(text, from, { complete, codeWord: 'Code.' });

  it('whole sentences, and the rest at the end', () => {
    assert.deepEqual(say('First one. Second'), { text: 'First one.', upTo: 10 });
    assert.deepEqual(say('First one. Second', 10), { text: '', upTo: 10 });
    assert.deepEqual(say('First one. Second', 10, true), { text: 'Second', upTo: 17 });
    assert.equal(say('Version 1.2 is out').text, '');
  });

  it('no marks, and a word instead of code', () => {
    assert.equal(say('## A *b* `c` [d](https://e.example)\n- x\n').text, 'A b c d x');
    assert.equal(say('Do:\n```ts\nconst a = 1;\n```\nDone.\n').text, 'Do: Code. Done.');
    const text = 'Do:\n```ts\nconst a = 1;\nb();\n```\nDone.\n';
    assert.equal(say(text, text.indexOf('b();')).text, 'Done.');
  });
});

describe('links', () => {
  for (const [href, allowed] of [
    ['https://a.example/b?c#d', true],
    ['HTTP://a.example', true],
    ['https://user:secret@a.example', false],
    ['https://', false],
    ['//a.example', false],
    ['javascript:alert(1)', false],
    [' https://a.example', false],
    ['command:workbench.action.quit', false],
  ] as const) {
    it(`${href}: ${allowed ? 'a link' : 'text'}`, () => assert.equal(isAllowedLink(href), allowed));
  }
});

describe('texts', () => {
  it('are translated where the host has them, and filled in', () => {
    setTexts({ '{0} of {1} tokens': '{1} Token, davon {0}' });
    assert.equal(t('{0} of {1} tokens', '5', 9), '9 Token, davon 5');
    assert.equal(t('Send'), 'Send');
    assert.equal(t('toString'), 'toString');
    setTexts({});
  });
});

describe('highlighting', () => {
  const LINES = Array.from({ length: 1000 }, (_, n) => `const value${n} = call('${n}'); // note ${n}\n`);
  const finish = (highlighter: Highlighter, code: string): void => {
    while (!highlighter.step(code));
  };
  const text = (highlighter: Highlighter) => highlighter.pieces.map(({ code }) => code).join('');

  it('colours piece by piece, and keeps finished pieces as they are', () => {
    const highlighter = new Highlighter('ts');
    let code = '';
    let first: unknown;
    for (const line of LINES) {
      highlighter.step((code += line));
      if (highlighter.pieces.length === 2) first ??= highlighter.pieces[0];
    }
    finish(highlighter, code);
    assert.equal(text(highlighter), code);
    assert.equal(highlighter.pieces[0], first);
    assert.ok(highlighter.pieces.length > 10);
    assert.ok(highlighter.pieces.every(({ html, lines }) => html?.includes('hljs-keyword') && lines <= 60));
  });

  it('does not cut a comment or a string in two', () => {
    const highlighter = new Highlighter('ts');
    const code = `/*\n${'const inside = 1;\n'.repeat(100)}*/\nconst after = 1;\n${LINES.slice(0, 100).join('')}`;
    finish(highlighter, code);
    assert.equal(text(highlighter), code);
    assert.doesNotMatch(highlighter.pieces[0]!.html!.split('*/')[0]!, /hljs-keyword/);
    assert.match(highlighter.pieces[0]!.html!, /hljs-keyword/);
  });

  it('leaves unknown languages, endless lines and endless code plain', () => {
    for (const [language, code] of [
      ['klingon', LINES.join('')],
      ['ts', `const a = '${'x'.repeat(30_000)}';`],
      ['ts', LINES.join('').repeat(30)],
    ] as const) {
      const highlighter = new Highlighter(language);
      finish(highlighter, code);
      assert.equal(text(highlighter), code);
      assert.ok(highlighter.pieces.every(({ html }) => html === undefined));
    }
  });
});
