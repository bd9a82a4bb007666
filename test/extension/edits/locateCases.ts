import { GARDEN, GO, NOTES, PATCH, SHOP } from './locateFiles.ts';

/** Cases of placing: a file, a code block of an answer, and the file afterwards or the places among which the user chooses. */
export interface LocateCase {
  readonly name: string;
  readonly file: string;
  readonly code: string;
  readonly language?: string;
  /** The file's name, for diffs of several files. */
  readonly path?: string;
  /** The new text, or the labels of the places among which the user chooses; undefined if there is no place. */
  readonly gives: string | readonly string[] | undefined;
}

// In parts, since git takes such lines for conflicts.
const SEARCH = `${'<'.repeat(7)} SEARCH\n`;
const BY = `${'='.repeat(7)}\n`;
const END = `${'>'.repeat(7)} REPLACE\n`;

export const CASES: LocateCase[] = [
  // Declarations.
  {
    name: 'a function takes the place of the one of its name',
    file: SHOP,
    code: 'export function greet(name: string): string {\n  return `Hi ${name}`;\n}\n',
    gives: SHOP.replace("'Hello ' + name", '`Hi ${name}`'),
  },
  {
    name: 'a method without its class, indented or not',
    file: SHOP,
    code: 'add(item: string): void {\n  if (item) this.items.push(item);\n}',
    gives: SHOP.replace('    this.items.push', '    if (item) this.items.push'),
  },
  {
    name: 'a method that two classes have is asked',
    file: SHOP,
    code: '  total(): number {\n    return 1;\n  }',
    gives: ['Shop › total', 'Store › total'],
  },
  {
    name: 'a signature that has changed',
    file: SHOP,
    code: 'export function greet(name: string, loud = false): string {\n  return loud ? name.toUpperCase() : name;\n}',
    gives: SHOP.replace(
      "greet(name: string): string {\n  return 'Hello ' + name;",
      'greet(name: string, loud = false): string {\n  return loud ? name.toUpperCase() : name;',
    ),
  },
  {
    name: 'several declarations at once, one of them new',
    file: SHOP,
    code: "export function greet(name: string): string {\n  return name;\n}\n\nexport function leave(): void {\n  greet('x');\n}",
    gives: SHOP.replace("'Hello ' + name", 'name') + "\nexport function leave(): void {\n  greet('x');\n}\n",
  },
  {
    name: 'an import that the file lacks goes to the others',
    file: SHOP,
    code: "import { join } from 'node:path';\n\nexport function greet(name: string): string {\n  return join('a', name);\n}",
    gives: SHOP.replace("'./tax';\n", "'./tax';\nimport { join } from 'node:path';\n").replace(
      "'Hello ' + name",
      "join('a', name)",
    ),
  },
  {
    name: 'an import that names more replaces the one that names less',
    file: SHOP,
    code: "import { rate, tax } from './tax';\n\nexport function greet(name: string): string {\n  return name + rate;\n}",
    gives: SHOP.replace('{ tax }', '{ rate, tax }').replace("'Hello ' + name", 'name + rate'),
  },
  {
    name: 'a Python method keeps the decorator and gets the new comment',
    file: GARDEN,
    code: '# Counts plants.\ndef size(self):\n    return sum(1 for _ in self.plants)',
    gives: GARDEN.replace('# How many there are.', '# Counts plants.').replace(
      'len(self.plants)',
      'sum(1 for _ in self.plants)',
    ),
  },
  {
    name: 'a Python function with a blank line and a nested one',
    file: GARDEN,
    code: 'def main():\n    def inner():\n        return 1\n\n    print(inner())\n',
    gives: GARDEN.replace(
      '    garden = Garden("small")\n    garden.water(3)\n',
      '    def inner():\n        return 1\n\n    print(inner())\n',
    ),
  },
  {
    name: 'a Go method is known by its receiver; spaces become tabs',
    file: GO,
    code: 'func (b *Box) Area() int {\n    if b.width < 0 {\n        return 0\n    }\n    return b.width * b.width\n}',
    gives: GO.replace('\treturn b.width\n', '\tif b.width < 0 {\n\t\treturn 0\n\t}\n\treturn b.width * b.width\n'),
  },
  {
    name: 'a Rust function in an impl',
    file: 'struct A;\n\nimpl A {\n    pub fn go(&self) -> u8 {\n        1\n    }\n}\n',
    code: 'pub fn go(&self) -> u8 {\n    2\n}',
    language: 'rust',
    gives: 'struct A;\n\nimpl A {\n    pub fn go(&self) -> u8 {\n        2\n    }\n}\n',
  },
  {
    name: 'a C function with its bracket on a line of its own',
    file: '#include <stdio.h>\n\nint add(int a, int b)\n{\n  return a + b;\n}\n\nint main(void)\n{\n  return add(1, 2);\n}\n',
    code: 'int add(int a, int b)\n{\n  return b + a;\n}',
    gives:
      '#include <stdio.h>\n\nint add(int a, int b)\n{\n  return b + a;\n}\n\nint main(void)\n{\n  return add(1, 2);\n}\n',
  },
  {
    name: 'a Java method with an annotation, four spaces where the file has two',
    file: 'class A {\n  @Override\n  public String toString() {\n    return "a";\n  }\n\n  int b() {\n    return 2;\n  }\n}\n',
    code: 'public String toString() {\n    return "b";\n}',
    gives:
      'class A {\n  @Override\n  public String toString() {\n    return "b";\n  }\n\n  int b() {\n    return 2;\n  }\n}\n',
  },
  {
    name: 'a signature over several lines',
    file: 'function long(\n  a: number,\n  b: number,\n): number {\n  return a;\n}\n\nfunction other() {}\n',
    code: 'function long(\n  a: number,\n  b: number,\n): number {\n  return a + b;\n}',
    gives: 'function long(\n  a: number,\n  b: number,\n): number {\n  return a + b;\n}\n\nfunction other() {}\n',
  },
  {
    name: 'a text over several lines does not end a function early',
    file: 'function a() {\n  const text = `\nzero indentation\n`;\n  return text;\n}\nfunction b() {\n  return 1;\n}\n',
    code: 'function a() {\n  return "";\n}',
    gives: 'function a() {\n  return "";\n}\nfunction b() {\n  return 1;\n}\n',
  },
  {
    name: 'a rule of a style sheet',
    file: '.a {\n  color: red;\n}\n\n.a:hover {\n  color: blue;\n}\n',
    code: '.a:hover {\n  color: green;\n}',
    language: 'css',
    gives: '.a {\n  color: red;\n}\n\n.a:hover {\n  color: green;\n}\n',
  },
  {
    name: 'a test is known by all it says',
    file: "describe('a', () => {\n  it('one', () => {\n    check(1);\n  });\n\n  it('two', () => {\n    check(2);\n  });\n});\n",
    code: "it('two', () => {\n  check(3);\n});",
    gives:
      "describe('a', () => {\n  it('one', () => {\n    check(1);\n  });\n\n  it('two', () => {\n    check(3);\n  });\n});\n",
  },
  {
    name: 'a Ruby method',
    file: 'class A\n  def go(x)\n    x + 1\n  end\n\n  def stop\n    0\n  end\nend\n',
    code: 'def go(x)\n  x + 2\nend',
    language: 'ruby',
    gives: 'class A\n  def go(x)\n    x + 2\n  end\n\n  def stop\n    0\n  end\nend\n',
  },
  {
    name: 'a constant',
    file: 'const a = 1;\nconst limit = {\n  low: 1,\n  high: 2,\n};\nexport { a };\n',
    code: 'const limit = {\n  low: 0,\n};',
    gives: 'const a = 1;\nconst limit = {\n  low: 0,\n};\nexport { a };\n',
  },
  {
    name: 'a function becomes a constant of the same name',
    file: 'function twice(x) {\n  return 2 * x;\n}\n\nmodule.exports = { twice };\n',
    code: 'const twice = (x) => x + x;',
    gives: 'const twice = (x) => x + x;\n\nmodule.exports = { twice };\n',
  },
  {
    name: 'overloads: the one with this very signature',
    file: 'class A {\n  void f(int a) {\n    g(a);\n  }\n\n  void f(String a) {\n    h(a);\n  }\n}\n',
    code: 'void f(String a) {\n  h(a.trim());\n}',
    gives: 'class A {\n  void f(int a) {\n    g(a);\n  }\n\n  void f(String a) {\n    h(a.trim());\n  }\n}\n',
  },
  {
    name: 'overloads: neither signature is asked',
    file: 'class A {\n  void f(int a) {\n    g(a);\n  }\n\n  void f(String a) {\n    h(a);\n  }\n}\n',
    code: 'void f(long a) {\n  h(a);\n}',
    gives: ['A › f', 'A › f'],
  },
  {
    name: 'a class that shows fewer members than the file has is asked: they stay, or they go',
    file: SHOP,
    code: 'export class Shop {\n  private items: string[] = [];\n\n  add(item: string): void {\n    this.items.unshift(item);\n  }\n}',
    gives: ['Shop', 'Shop'],
  },
  // Gaps.
  {
    name: 'a gap in a class keeps what stands there',
    file: SHOP,
    code: 'export class Shop {\n  // ... existing code ...\n\n  total(): number {\n    return this.items.length * 2;\n  }\n}',
    gives: SHOP.replace('this.items.length', 'this.items.length * 2'),
  },
  {
    name: 'a new method behind a gap goes to the end of the class',
    file: SHOP,
    code: 'export class Shop {\n  // ... existing code ...\n\n  clear(): void {\n    this.items = [];\n  }\n}',
    gives: SHOP.replace('length;\n  }\n', 'length;\n  }\n\n  clear(): void {\n    this.items = [];\n  }\n'),
  },
  {
    name: 'gaps before and after a method',
    file: SHOP,
    code: 'export class Shop {\n  // ...\n\n  add(item: string): void {\n    this.items.unshift(item);\n  }\n\n  // ... rest of the class ...\n}',
    gives: SHOP.replace('this.items.push', 'this.items.unshift'),
  },
  {
    name: 'a gap in a function body',
    file: 'function run() {\n  const a = one();\n  const b = two();\n  const c = three();\n  return a + b + c;\n}\n\nfunction last() {\n  return 3;\n}\n',
    code: 'function run() {\n  // ... existing code ...\n  return a * b * c;\n}',
    gives:
      'function run() {\n  const a = one();\n  const b = two();\n  const c = three();\n  return a * b * c;\n}\n\nfunction last() {\n  return 3;\n}\n',
  },
  {
    name: 'a gap between lines that both stand in the file',
    file: 'function run() {\n  const a = one();\n  const b = two();\n  const c = three();\n  return a + b + c;\n}\n\nfunction last() {\n  return 3;\n}\n',
    code: 'function run() {\n  const a = first();\n  const b = two();\n  // ...\n  return a + b + c;\n}',
    gives:
      'function run() {\n  const a = first();\n  const b = two();\n  const c = three();\n  return a + b + c;\n}\n\nfunction last() {\n  return 3;\n}\n',
  },
  {
    name: 'a Python gap',
    file: GARDEN,
    code: 'class Garden:\n    # ... existing methods ...\n\n    def water(self, litres):\n        pass\n',
    gives: GARDEN.replace('        for plant in self.plants:\n            plant.water(litres)\n', '        pass\n'),
  },
  {
    name: 'a whole file with gaps',
    file: SHOP,
    code: "import { tax } from './tax';\n\n// ... existing code ...\n\nexport function greet(name: string): string {\n  return name;\n}",
    gives: SHOP.replace("'Hello ' + name", 'name'),
  },
  {
    name: 'a comment with dots that the file holds is no gap',
    file: 'function f() {\n  // ... and so on\n  a();\n}\n\nfunction g() {\n  b();\n}\n',
    code: 'function f() {\n  // ... and so on\n  c();\n}',
    gives: 'function f() {\n  // ... and so on\n  c();\n}\n\nfunction g() {\n  b();\n}\n',
  },
  // Statements.
  {
    name: 'statements whose lines are mostly there',
    file: 'setUp();\nif (a) {\n  first(a);\n  second(a);\n}\ntearDown();\nreport(1, 2);\n',
    code: 'if (a) {\n  first(a);\n  between(a);\n  second(a);\n}',
    gives: 'setUp();\nif (a) {\n  first(a);\n  between(a);\n  second(a);\n}\ntearDown();\nreport(1, 2);\n',
  },
  {
    name: 'statements deeper in the file than in the block',
    file: 'function f(a) {\n    setUp();\n    while (a) {\n        first(a);\n        second(a);\n    }\n    done(a);\n}\n',
    code: 'while (a) {\n  first(a);\n  third(a);\n}',
    gives:
      'function f(a) {\n    setUp();\n    while (a) {\n        first(a);\n        third(a);\n    }\n    done(a);\n}\n',
  },
  {
    name: 'the same statements in two places are asked',
    file: 'function f(a) {\n  log(a);\n  send(a, 1);\n}\n\nfunction g(a) {\n  log(a);\n  send(a, 1);\n}\n',
    code: 'log(a);\nsend(a, 2);',
    gives: ['f', 'g'],
  },
  {
    name: 'one line that has changed a little',
    file: 'port: 80\nhost: example\nretries: 3 times\n',
    code: 'retries: 5 times',
    language: 'yaml',
    gives: 'port: 80\nhost: example\nretries: 5 times\n',
  },
  { name: 'text that is nothing like the file', file: SHOP, code: 'npm install left-pad\nnpm test', gives: undefined },
  { name: 'closing brackets alone have no place', file: SHOP, code: '}\n}', gives: undefined },
  // Whole files.
  { name: 'an empty file takes all', file: '', code: 'a = 1', gives: 'a = 1\n' },
  {
    name: 'a whole file that has changed in one place',
    file: GARDEN,
    code: GARDEN.replace('litres):', 'amount):'),
    gives: GARDEN.replace('litres):', 'amount):'),
  },
  {
    name: 'a whole file whose end is missing keeps its end',
    file: NOTES,
    code: NOTES.replace('Water first', 'Always water').replace('License: MIT\n', ''),
    gives: NOTES.replace('Water first', 'Always water'),
  },
  {
    name: 'so does one that ends with a line that comes again later',
    file: `${NOTES}Water first, then feed.\n`,
    code: NOTES.replace('one crop', 'two crops').split('\n').slice(0, 5).join('\n'),
    gives: `${NOTES.replace('one crop', 'two crops')}Water first, then feed.\n`,
  },
  {
    name: 'a whole file with another last line',
    file: NOTES,
    code: NOTES.replace('License: MIT', 'Published under Apache-2.0'),
    gives: NOTES.replace('License: MIT', 'Published under Apache-2.0'),
  },
  {
    name: 'no line end at the end stays none',
    file: GARDEN.trimEnd(),
    code: GARDEN.replace('(3)', '(4)'),
    gives: GARDEN.trimEnd().replace('(3)', '(4)'),
  },
  {
    name: 'a line end at the end stays one',
    file: GARDEN,
    code: GARDEN.trimEnd().replace('(3)', '(4)'),
    gives: GARDEN.replace('(3)', '(4)'),
  },
  {
    name: 'tabs stay tabs in a whole file',
    file: GO,
    code: GO.replaceAll('\t', '  ').replace('"hi"', '"ho"'),
    gives: GO.replace('"hi"', '"ho"'),
  },
  {
    name: 'two spaces become four',
    file: GARDEN,
    code: 'def main():\n  if True:\n    print(1)\n',
    gives: GARDEN.replace('    garden = Garden("small")\n    garden.water(3)\n', '    if True:\n        print(1)\n'),
  },
  // Diffs.
  {
    name: 'a diff',
    file: SHOP,
    code: PATCH,
    language: 'diff',
    gives: SHOP.replace('items.length', 'items.length * 2'),
  },
  {
    name: 'a diff with wrong line numbers and counts',
    file: SHOP,
    code: PATCH.replace('-9,3 +9,3', '-1,99 +1,99'),
    language: 'diff',
    gives: SHOP.replace('items.length', 'items.length * 2'),
  },
  {
    name: 'a diff without any header',
    file: SHOP,
    code: "-  return 'Hello ' + name;\n+  return name;",
    language: 'diff',
    gives: SHOP.replace("'Hello ' + name", 'name'),
  },
  {
    name: 'a diff whose lines stand twice is asked',
    file: 'f(1);\ng(2);\nh();\nf(1);\ng(2);\n',
    code: '@@ @@\n f(1);\n-g(2);\n+g(3);',
    gives: ['f(1);', 'f(1);'],
  },
  {
    name: 'a diff whose lines stand twice, at the line that it names',
    file: 'f(1);\ng(2);\nh();\nf(1);\ng(2);\n',
    code: '@@ -4,2 +4,2 @@\n f(1);\n-g(2);\n+g(3);',
    gives: 'f(1);\ng(2);\nh();\nf(1);\ng(3);\n',
  },
  {
    name: 'a diff without the indentation of the file',
    file: SHOP,
    code: '@@ -1 +1 @@\n-this.items.push(item);\n+this.items.push(item, item);',
    gives: SHOP.replace('push(item)', 'push(item, item)'),
  },
  {
    name: 'a diff with two hunks',
    file: GARDEN,
    code: '@@ -4,2 +4,2 @@\n class Garden:\n-    def __init__(self, name):\n+    def __init__(self, name=""):\n@@ -17,2 +17,1 @@\n     garden = Garden("small")\n-    garden.water(3)\n',
    gives: GARDEN.replace('self, name)', 'self, name="")').replace('    garden.water(3)\n', ''),
  },
  {
    name: 'a diff whose context has changed',
    file: GARDEN,
    code: '@@ -13,4 +13,4 @@\n     def water(self, litres):\n-        for plant in self.plants:\n+        for plant in list(self.plants):\n             plant.water(litres)\n         self.wet = True\n',
    gives: GARDEN.replace('in self.plants:', 'in list(self.plants):'),
  },
  {
    name: 'a diff of two files: the section of this one',
    file: GO,
    path: 'cmd/main.go',
    code: '--- a/other.go\n+++ b/other.go\n@@ -1 +1 @@\n-\tfmt.Println("hi")\n+\tpanic(1)\n--- a/cmd/main.go\n+++ b/cmd/main.go\n@@ -1 +1 @@\n-\tfmt.Println("hi")\n+\tfmt.Println("ho")\n',
    gives: GO.replace('"hi"', '"ho"'),
  },
  {
    name: 'searched and replacing lines',
    file: SHOP,
    code: `${SEARCH}  return 'Hello ' + name;\n${BY}  return name;\n${END}`,
    gives: SHOP.replace("'Hello ' + name", 'name'),
  },
  {
    name: 'searched lines that stand twice are asked',
    file: 'f(1);\nh();\nf(1);\n',
    code: `${SEARCH}f(1);\n${BY}g(1);\n${END}`,
    gives: ['f(1);', 'f(1);'],
  },
  { name: 'searched lines that stand nowhere', file: GO, code: `${SEARCH}x\n${BY}y\n${END}`, gives: undefined },
  {
    name: 'a patch of several files in the form of other programs',
    file: GO,
    path: 'cmd/main.go',
    code: '*** Begin Patch\n*** Update File: other.go\n@@\n-\tfmt.Println("hi")\n*** Update File: cmd/main.go\n@@\n-\tfmt.Println("hi")\n+\tfmt.Println("ho")\n*** End Patch\n',
    gives: GO.replace('"hi"', '"ho"'),
  },
  { name: 'a diff that fits nowhere', file: GO, code: '@@ -1 +1 @@\n-nowhere\n+else', gives: undefined },
  { name: 'a diff that adds without saying where', file: GO, code: '@@ -3,0 +4 @@\n+x := 1', gives: undefined },
];
