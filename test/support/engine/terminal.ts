import { execFile } from 'node:child_process';

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the built terminal program as a user does. No driver is named, so that no GPU is found. */
export function airgap(...args: string[]): Promise<Ended> {
  return runNode('dist/airgap.cjs', ...args);
}

/** Runs it with other variables; undefined removes one. */
export function airgapIn(variables: NodeJS.ProcessEnv, ...args: string[]): Promise<Ended> {
  return run(variables, 'dist/airgap.cjs', args);
}

/** Runs a script of the repository in the same way. */
export function runNode(script: string, ...args: string[]): Promise<Ended> {
  return run({}, script, args);
}

function run(variables: NodeJS.ProcessEnv, script: string, args: readonly string[]): Promise<Ended> {
  const env = { ...process.env, VK_DRIVER_FILES: '/none', VK_ICD_FILENAMES: '/none', ...variables };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}
