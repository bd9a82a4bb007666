/**
 * Imported before anything that has a schema: Zod then neither compiles schemas by `new Function`, nor looks at `navigator`
 * for whether it may, which VS Code would log as an error of this extension.
 */
import { config } from 'zod';

config({ jitless: true });
