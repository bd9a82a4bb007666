/** Which program runs the engine process. Pure; the reasons stand in ARCHITECTURE.md ("the Electron trap"). */
import { join } from 'node:path';

export interface RuntimeHost {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** process.versions.electron of the extension host. */
  readonly electron: string | undefined;
  readonly execPath: string;
  readonly extensionPath: string;
  /** Setting airgap.engine.nodePath; empty where unset. */
  readonly nodePath: string;
  exists(path: string): boolean;
}

export interface Runtime {
  readonly program: string;
  /** Electron only behaves as Node where ELECTRON_RUN_AS_NODE is set. */
  readonly electronAsNode: boolean;
}

export interface RuntimeChoice {
  /** In the order in which they are tried. */
  readonly runtimes: readonly Runtime[];
  /** Why a better one is not in the list; one sentence each. */
  readonly notes: readonly string[];
}

/**
 * The setting first. Then the host's own program where that is real Node (VS Code Server), else the Node binary that
 * the package carries, else Electron as Node, in which GPU results cannot be read.
 */
export function chooseRuntime(host: RuntimeHost): RuntimeChoice {
  const runtimes: Runtime[] = [];
  const notes: string[] = [];
  const offer = (program: string, missing: string): void => {
    if (host.exists(program)) runtimes.push({ program, electronAsNode: false });
    else notes.push(missing);
  };
  if (host.nodePath)
    offer(host.nodePath, `The setting airgap.engine.nodePath points to ${host.nodePath}, which does not exist.`);
  if (host.electron === undefined) {
    runtimes.push({ program: host.execPath, electronAsNode: false });
  } else {
    const target = `${host.platform}-${host.arch}`;
    const binary = join(host.extensionPath, 'dist', 'node', target, host.platform === 'win32' ? 'node.exe' : 'node');
    offer(binary, `This Airgap package contains no Node.js for ${target}.`);
    runtimes.push({ program: host.execPath, electronAsNode: true });
  }
  return { runtimes, notes };
}

/** The reason passed to the engine with --wasm-only; it reaches the user through ModelInfo.notes. */
export const WASM_ONLY_REASON =
  'The GPU is not used because the engine runs on Electron, which cannot read GPU results. To use the GPU, set airgap.engine.nodePath to a Node.js executable.';
