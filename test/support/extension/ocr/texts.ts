/** What the screenshots of the corpus show: code, terminals and dialogs. */

export interface Text {
  readonly name: string;
  readonly kind: 'code' | 'terminal' | 'dialog';
  /** highlight.js's name of the language of code. */
  readonly language?: string;
  /** For a dialog: its title, its sentences, and last its buttons' labels, separated by `  `. */
  readonly text: string;
}

const CODE: Record<string, [language: string, text: string]> = {
  retry: [
    'typescript',
    `import { setTimeout } from 'node:timers/promises';

export interface RetryOptions {
  attempts: number;
  delayMs?: number;
}

/** Calls \`task\` until it succeeds. */
export async function retry<T>(task: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await task();
    } catch (error) {
      if (attempt >= options.attempts) throw error;
      await setTimeout(options.delayMs ?? 100 * 2 ** attempt);
    }
  }
}`,
  ],
  report: [
    'python',
    `from collections import Counter
import sys


def word_counts(path, least=2):
    """Words of a file that occur at least \`least\` times."""
    counts = Counter()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            counts.update(word.lower() for word in line.split())
    return {word: n for word, n in counts.items() if n >= least}


if __name__ == "__main__":
    for word, n in sorted(word_counts(sys.argv[1]).items()):
        print(f"{n:6d} {word}")`,
  ],
  list: [
    'c',
    `#include <stdlib.h>

struct node {
    int value;
    struct node *next;
};

int push(struct node **head, int value)
{
    struct node *added = malloc(sizeof *added);
    if (added == NULL)
        return -1;
    added->value = value;
    added->next = *head;
    *head = added;
    return 0;
}`,
  ],
  server: [
    'go',
    `package main

import (
        "encoding/json"
        "log"
        "net/http"
)

type health struct {
        Status  string \`json:"status"\`
        Uptime  int64  \`json:"uptime"\`
}

func main() {
        http.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) {
                json.NewEncoder(w).Encode(health{Status: "ok", Uptime: 42})
        })
        log.Fatal(http.ListenAndServe(":8080", nil))
}`,
  ],
  manifest: [
    'json',
    `{
  "name": "price-list",
  "version": "2.4.1",
  "private": true,
  "scripts": {
    "build": "tsc --build",
    "test": "mocha --parallel dist/test"
  },
  "dependencies": {
    "express": "^4.21.2",
    "zod": "~3.24.0"
  },
  "files": ["dist/**/*.js", "README.md"]
}`,
  ],
  page: [
    'html',
    `<form class="login" action="/session" method="post">
  <label for="email">E-mail</label>
  <input id="email" type="email" required>
  <label for="password">Password</label>
  <input id="password" type="password" minlength="12">
  <div class="row">
    <button type="submit">Sign in</button>
    <a href="/reset?from=login">Forgot it?</a>
  </div>
</form>`,
  ],
  style: [
    'css',
    `:root {
  --gap: 8px;
  --accent: #0a84ff;
}

.card > h2:first-child {
  margin: 0 0 calc(2 * var(--gap));
  color: var(--accent);
}

@media (max-width: 640px) {
  .card {
    padding: 12px 16px;
    border-radius: 4px;
  }
}`,
  ],
  query: [
    'sql',
    `SELECT c.name, COUNT(*) AS orders, SUM(o.total) AS revenue
FROM customers AS c
  JOIN orders AS o ON o.customer_id = c.id
WHERE o.created_at >= '2025-01-01'
  AND o.status IN ('paid', 'shipped')
GROUP BY c.name
HAVING SUM(o.total) > 1000
ORDER BY revenue DESC
LIMIT 20;`,
  ],
};

const TERMINALS: Record<string, string> = {
  npm: `$ npm install
npm error code ERESOLVE
npm error ERESOLVE unable to resolve dependency tree
npm error
npm error While resolving: price-list@2.4.1
npm error Found: react@19.1.0
npm error node_modules/react
npm error   react@"^19.1.0" from the root project
npm error
npm error Could not resolve dependency:
npm error peer react@"^18.2.0" from react-table@8.5.3`,
  node: `$ node dist/main.js --port 8080
/srv/shop/dist/orders.js:27
    return order.items.reduce((sum, item) => sum + item.price, 0);
                       ^

TypeError: Cannot read properties of undefined (reading 'reduce')
    at total (/srv/shop/dist/orders.js:27:24)
    at handle (/srv/shop/dist/server.js:112:19)
    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)

Node.js v22.14.0`,
  pytest: `============================= test session starts =============================
collected 3 items

tests/test_prices.py ..F                                                 [100%]

================================== FAILURES ===================================
_______________________________ test_rounds_half ______________________________

    def test_rounds_half():
>       assert round_price(2.345) == 2.35
E       assert 2.34 == 2.35
E        +  where 2.34 = round_price(2.345)

tests/test_prices.py:14: AssertionError
========================= 1 failed, 2 passed in 0.07s =========================`,
  listing: `$ ls -l src
total 44
drwxr-xr-x  3 anna users  4096 Mar  3 09:41 api
-rw-r--r--  1 anna users   812 Feb 27 17:05 config.ts
-rw-r--r--  1 anna users 15360 Mar  3 10:12 main.ts
-rwxr-x---  1 anna users   233 Jan 19 08:30 start.sh
$ df -h /home
Filesystem      Size  Used Avail Use% Mounted on
/dev/nvme0n1p2  468G  391G   54G  88% /home`,
  git: `$ git status
On branch fix/rounding
Your branch is ahead of 'origin/main' by 2 commits.
  (use "git push" to publish your local commits)

Changes not staged for commit:
  (use "git add <file>..." to update what will be committed)
        modified:   src/prices.ts
        deleted:    test/old.test.ts

no changes added to commit (use "git add" and/or "git commit -a")`,
  rust: `error[E0382]: borrow of moved value: \`names\`
  --> src/main.rs:7:20
   |
 5 |     let names = vec!["Ada", "Grace"];
   |         ----- move occurs because \`names\` has type \`Vec<&str>\`
 6 |     print_all(names);
   |               ----- value moved here
 7 |     println!("{}", names.len());
   |                    ^^^^^ value borrowed here after move

For more information about this error, try \`rustc --explain E0382\`.`,
};

const DIALOGS: Record<string, string> = {
  port: `Visual Studio Code
Failed to start the debug server.
Error: listen EADDRINUSE: address already in use 127.0.0.1:9229
Stop the other process, or choose another port in launch.json.
Open launch.json  Retry  Cancel`,
  access: `Permission denied
The file "config.json" cannot be saved in /etc/price-list.
You need the rights of an administrator to change this folder.
Save as...  Retry as admin  Cancel`,
  database: `Database connection
Could not connect to db.example.org:5432 as user "reporting".
FATAL: password authentication failed for user "reporting" (SQLSTATE 28P01)
The last successful connection was on 14 March 2025 at 16:20.
Edit connection  Close`,
  german: `Fehler beim Öffnen
Die Datei "Preise für März.xlsx" konnte nicht geöffnet werden.
Möglicherweise wird sie gerade von einem anderen Benutzer geändert.
Schreibgeschützt öffnen  Abbrechen`,
  update: `Aktualisierung fehlgeschlagen
Das Zertifikat des Servers ist ungültig oder abgelaufen (0x800B0101).
Überprüfen Sie Datum und Uhrzeit, und versuchen Sie es später erneut.
Wiederholen  Details anzeigen  Schließen`,
  unsaved: `Do you want to save the changes you made to orders.ts?
Your changes will be lost if you don't save them.
Save  Don't Save  Cancel`,
};

export const TEXTS: readonly Text[] = [
  ...Object.entries(CODE).map(([name, [language, text]]) => ({ name, kind: 'code' as const, language, text })),
  ...Object.entries(TERMINALS).map(([name, text]) => ({ name, kind: 'terminal' as const, text })),
  ...Object.entries(DIALOGS).map(([name, text]) => ({ name, kind: 'dialog' as const, text })),
];
