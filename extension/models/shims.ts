/**
 * The files by which a terminal finds `airgap`. They name no path: the terminal's variables do, so that no path has to be
 * quoted, and an update changes nothing in them. No vscode here.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const SH = `#!/bin/sh
exec "$AIRGAP_NODE" "$AIRGAP_PROGRAM" "$@"
`;
/** For cmd, and for PowerShell, which runs .cmd files under every execution policy. */
const CMD = `@echo off\r\n"%AIRGAP_NODE%" "%AIRGAP_PROGRAM%" %*\r\n`;

/** Shells of Unix kind run the first one on Windows too, such as Git Bash. */
export function shimFiles(platform: NodeJS.Platform): Readonly<Record<string, string>> {
  return platform === 'win32' ? { airgap: SH, 'airgap.cmd': CMD } : { airgap: SH };
}

export async function writeShims(folder: string, platform: NodeJS.Platform): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(shimFiles(platform))) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o700);
  }
}

export interface TerminalVariablesHost {
  /** Where the files lie. */
  readonly folder: string;
  readonly platform: NodeJS.Platform;
  readonly env: NodeJS.ProcessEnv;
  readonly node: string;
  readonly programFile: string;
}

/** The variables of a terminal in which `airgap` works. */
export function terminalVariables(host: TerminalVariablesHost): Record<string, string> {
  const { folder, platform, env, node, programFile } = host;
  // Windows compares names without their case, and must not get two of them.
  const name = Object.keys(env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  const separator = platform === 'win32' ? ';' : ':';
  return {
    [name]: env[name] ? `${folder}${separator}${env[name]}` : folder,
    AIRGAP_NODE: node,
    AIRGAP_PROGRAM: programFile,
  };
}
