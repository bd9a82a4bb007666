/** The files that the tests of placing change. */
export const SHOP = `import { tax } from './tax';

export class Shop {
  private items: string[] = [];

  add(item: string): void {
    this.items.push(item);
  }

  total(): number {
    return this.items.length;
  }
}

export class Store {
  total(): number {
    return 0;
  }
}

export function greet(name: string): string {
  return 'Hello ' + name;
}
`;

export const GARDEN = `import os


class Garden:
    def __init__(self, name):
        self.name = name
        self.plants = []

    # How many there are.
    @property
    def size(self):
        return len(self.plants)

    def water(self, litres):
        for plant in self.plants:
            plant.water(litres)


def main():
    garden = Garden("small")
    garden.water(3)
`;

export const GO = `package main

import "fmt"

type Box struct {
\twidth int
}

func (b *Box) Area() int {
\treturn b.width
}

func main() {
\tfmt.Println("hi")
}
`;

export const PATCH = `--- a/shop.ts
+++ b/shop.ts
@@ -9,3 +9,3 @@
   total(): number {
-    return this.items.length;
+    return this.items.length * 2;
   }
`;

export const NOTES =
  '# Beds\n\nEach bed has one crop.\n\nWater first, then feed.\n\nNever dig when it rains.\n\nSow in April.\n\nHarvest in June.\n\nLicense: MIT\n';
