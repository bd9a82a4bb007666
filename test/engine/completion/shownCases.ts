/** What is shown of a text: [language, what the model says, what the user sees: ghost text between the brackets]. */
export type ShownCase = readonly [languageId: string, says: string, seen: string];

/** Reports of other assistants' users, and their kind. */
export const SHOWN: Readonly<Record<string, readonly ShownCase[]>> = {
  'lines that are rightly there twice': [
    ['typescript', 'total += 1;\n', 'total += 1;\n⟦total += 1;⟧\n'],
    ['typescript', 'await page.press("Tab");\n', '  await page.press("Tab");\n  ⟦await page.press("Tab");⟧\n'],
    ['html', '<td></td>\n', '<tr>\n  <td></td>\n  ⟦<td></td>⟧\n</tr>'],
    ['typescript', 'al += 1;\n', 'x();\ntot⟦⟧\ntotal += 1;\n'],
    ['typescript', 'a.fill(0);\nb.fill(0);\n', '// both\n⟦a.fill(0);⟧\nb.fill(0);\n'],
  ],
  'quotes inside of strings': [
    ['python', 'Return the "best" score.', 'def f(x):\n    """⟦Return the "best" score.⟧"""\n'],
    ['python', 'Return "it".""" \n    return 1\n', 'def f(x):\n    """⟦Return "it".⟧"""\n'],
    ['python', 'It\'s "here".\n', "def f(x):\n    '''Doc.\n\n    ⟦It's \"here\".⟧\n    '''\n"],
    ['python', 'x (see y', 'f("""⟦x (see y⟧""")'],
    ['typescript', 'say "hi" to ${name}`;', 'const a = `\n  b ⟦say "hi" to ${name}⟧`;'],
    ['typescript', 'say "hi"', 'const a = \'it ⟦say "hi"⟧\';'],
    ['typescript', '"b");', 'const a = /["`]/; // it\'s `\nf(⟦"b"⟧);'],
    ['rust', '"b");', "let a = '\"'; let b = 'x'; // it's\nf(⟦\"b\"⟧);"],
    ['java', 'say "hi" twice', 'String a = """\n  b ⟦say "hi" twice⟧""";'],
    // The quote before the closing ones would be the first of them.
    ['java', 'say "hi"', 'String a = """\n  b ⟦⟧""";'],
  ],
  'in front of a closing bracket': [
    ['typescript', '{\n  a: 1,\n})', 'const x = render(⟦{\n  a: 1,\n}⟧)\n'],
    ['typescript', '{\n  a: 1,\n}, [\n  2,\n]);\ny();\n', 'render(⟦{\n  a: 1,\n}, [\n  2,\n]⟧);\n'],
    ['typescript', '{\n  a: f(\n', 'const x = render(⟦⟧)\n'],
    ['typescript', 'a, "b', 'f(⟦⟧)\n'],
    ['typescript', 'a, [b', 'f(⟦⟧)\n'],
    ['typescript', 'a // the first', 'f(⟦⟧)\n'],
    ['python', '[\n        1,\n    ])\n', 'x = f(⟦[\n        1,\n    ]⟧)\n'],
  ],
  'tabs and spaces': [
    [
      'python',
      '    if x:\n        return x\n    return 0\n',
      'class A:\n\tdef g(self):\n\t\treturn 1\n\ndef f(x):\n⟦\tif x:\n\t\treturn x\n\treturn 0⟧',
    ],
    [
      'python',
      '  if x:\n    return x\n',
      'class A:\n\tdef g(self):\n\t\treturn 1\n\ndef f(x):\n⟦\tif x:\n\t\treturn x⟧',
    ],
    ['python', '\tif x:\n\t\treturn x\n', 'def g(self):\n    return 1\n\ndef f(x):\n⟦    if x:\n        return x⟧'],
    // A file of tabs with a line that begins with spaces, and one that shows its tabs only below.
    ['python', '\n    return x\n', 'if a:\n\tb(\n\t\tc)\n\td()\n  # odd\ndef f(x):⟦\n\treturn x⟧'],
    ['go', '\n    return x\n}\n', 'func f() {⟦\n\treturn x\n}⟧\n\nfunc g() {\n\tx()\n}\n'],
  ],
};
