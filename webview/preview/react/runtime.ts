/**
 * Runs inside the sandboxed frame: shows a component, with Preact in place of React. What the code imports beside that
 * is not there, and shown as boxes with a label, as missing pictures are.
 */
import { type ComponentType, createElement, options, type VNode } from 'preact';
import * as preact from 'preact';
import * as react from 'preact/compat';
import * as client from 'preact/compat/client';
import * as hooks from 'preact/hooks';
import * as jsx from 'preact/jsx-runtime';
import { hereOnly } from '../links.ts';
import { missingPictureBox } from '../missingPicture.ts';
import { missingModule } from './missingModule.ts';

interface Module {
  exports: Record<string, unknown>;
}
type Factory = (require: (name: string) => unknown, module: Module, exports: Module['exports']) => void;

const MODULES: Record<string, unknown> = {
  react,
  'react/jsx-runtime': jsx,
  'react-dom': react,
  'react-dom/client': client,
  preact,
  'preact/compat': react,
  'preact/hooks': hooks,
  'preact/jsx-runtime': jsx,
};
const FRAMES = new Set(['iframe', 'frame', 'object', 'embed']);

const root = document.getElementById('root')!;

Object.assign(window, {
  showComponent: (factory: Factory): void => {
    try {
      const module: Module = { exports: {} };
      factory((name) => MODULES[name] ?? missingModule(name), module, module.exports);
      client.createRoot(root).render(createElement(Boundary, null, createElement(componentOf(module.exports), null)));
    } catch (error) {
      fail(error);
    }
  },
});
window.addEventListener('error', ({ error, message }) => fail(error ?? message));

const before = options.vnode;
options.vnode = (node) => {
  keepInside(node);
  before?.(node);
};

/** The default export, or else the first one that can be a component. */
function componentOf(exports: Module['exports']): ComponentType {
  const found = [exports.default, ...Object.values(exports)].find((each) => each !== undefined && each !== null);
  if (found === undefined) throw new Error('The code exports no component.');
  return found as ComponentType;
}

class Boundary extends preact.Component {
  override componentDidCatch(error: unknown): void {
    fail(error);
  }
  override render() {
    return this.props.children;
  }
}

/** As sandbox.ts does with markup: pictures and frames become boxes, and links lead nowhere. */
function keepInside(node: VNode): void {
  if (typeof node.type !== 'string') return;
  const props = node.props as Record<string, unknown>;
  if (FRAMES.has(node.type)) node.type = 'img';
  if (node.type === 'img') {
    for (const name of ['srcSet', 'srcset', 'srcDoc', 'srcdoc', 'data']) delete props[name];
    if (/^\s*data:image\//i.test(String(props.src))) return;
    Object.assign(
      props,
      missingPictureBox((name) => (props[name] === undefined ? null : String(props[name]))),
    );
  } else if (node.type === 'a' && props.href !== undefined) {
    Object.assign(props, { href: hereOnly(String(props.href)), target: undefined, ping: undefined });
  }
}

function fail(error: unknown): void {
  const text = document.createElement('p');
  text.setAttribute('role', 'alert');
  text.style.cssText = 'margin: 0; padding: 12px; font: 13px/1.5 sans-serif; color: #a1260d; background: #fff';
  text.textContent = String(error);
  root.replaceChildren(text);
}
